// The same over HTTP, for many blocks by one process: POST `{ "state": …, "input": … }`.

import { rmSync } from 'node:fs'
import { createServer } from 'node:http'

import { execute } from './execute.mjs'
import { required } from './failures.mjs'
import { settingsOf, stateOptions } from './options.mjs'
import { answerOf } from './result.mjs'

const LARGEST_REQUEST = 256 << 20

/** Serve on a port of this machine, or on a Unix socket, until the process is ended. What a request's
 * `state` leaves open is as the command line has it. */
export function serve(options) {
  const { port, socket } = options
  const defaults = stateOptions(options)
  const server = createServer((request, response) => {
    answer(request, defaults)
      .then((body) => reply(response, 200, JSON.stringify(body)))
      .catch((error) => reply(response, 500, error.message))
  })
  if (socket) {
    rmSync(socket, { force: true })
    server.listen(socket)
  } else {
    server.listen(Number(port), '127.0.0.1')
  }
}

async function answer(request, defaults) {
  const { state, input } = JSON.parse(await bodyOf(request))
  for (const name of ['alloc', 'env', 'txs']) {
    required(input, name, 'input')
  }
  return answerOf(await execute(settingsOf({ ...defaults, ...state }), input))
}

async function bodyOf(request) {
  const parts = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size > LARGEST_REQUEST) {
      throw new Error(`a request has at most ${LARGEST_REQUEST} bytes`)
    }
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function reply(response, status, text) {
  const type = status === 200 ? 'application/json' : 'text/plain; charset=utf-8'
  response.writeHead(status, { 'content-type': type })
  response.end(text)
}

// A transition tool over EthereumJS: one block from files to files, or a server for many.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { execute } from './execute.mjs'
import { EXIT, Failure, required } from './failures.mjs'
import { parseOptions, settingsOf, stateOptions } from './options.mjs'
import { answerOf } from './result.mjs'
import { serve } from './server.mjs'

async function main() {
  const options = parseOptions(process.argv.slice(2))
  if (options.port || options.socket) {
    serve(options)
    return
  }
  const settings = settingsOf(stateOptions(options))
  write(options, await answerOf(await execute(settings, readInput(options))))
}

/** The three parts, each from its file; all that come from `stdin` stand in one object there. */
function readInput(options) {
  const input = {}
  let stdin
  for (const name of ['alloc', 'env', 'txs']) {
    const file = options[`input.${name}`]
    if (file === 'stdin') {
      stdin ??= readJson(0, 'stdin')
      input[name] = required(stdin, name, 'stdin')
    } else {
      input[name] = readJson(file, file)
    }
  }
  return input
}

function readJson(file, name) {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new Failure(EXIT.IO, `${name}: ${error.message}`)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Failure(EXIT.JSON, `${name}: ${error.message}`)
  }
}

/** Each part into its file below `--output.basedir`; all for `stdout` in one object there. */
function write(options, answer) {
  const printed = {}
  for (const [name, part] of Object.entries(answer)) {
    const file = options[`output.${name}`]
    if (file === 'stdout') {
      printed[name] = part
    } else if (file) {
      const folder = options['output.basedir']
      try {
        mkdirSync(folder || '.', { recursive: true })
        writeFileSync(join(folder, file), JSON.stringify(part, null, 1))
      } catch (error) {
        throw new Failure(EXIT.IO, error.message)
      }
    }
  }
  if (Object.keys(printed).length > 0) {
    process.stdout.write(JSON.stringify(printed, null, 1) + '\n')
  }
}

main().catch((error) => {
  console.error(error instanceof Failure ? error.message : error)
  process.exitCode = error.status ?? EXIT.EVM
})

// The command line, as geth's `evm t8n` has it.

import { EXIT, Failure } from './failures.mjs'

const OPTIONS = {
  'input.alloc': 'alloc.json',
  'input.env': 'env.json',
  'input.txs': 'txs.json',
  'output.basedir': '',
  'output.result': 'result.json',
  'output.alloc': 'alloc.json',
  'output.body': '',
  'state.fork': 'Prague',
  'state.chainid': '1',
  'state.reward': '0',
  'state.eips': '',
  'state.caches': 'no',
  port: '',
  socket: '',
}

/** `--name value` and `--name=value`; everything that is not given has its default. */
export function parseOptions(given) {
  const options = { ...OPTIONS }
  const words = [...given]
  if (words[0] === 't8n') {
    words.shift()
  }
  while (words.length > 0) {
    const [, name, , value] = /^--?([a-z0-9.]+)(=(.*))?$/is.exec(words.shift()) ?? []
    if (name === undefined || !(name in OPTIONS)) {
      throw new Failure(EXIT.CONFIG, `the options are ${Object.keys(OPTIONS).join(', ')}`)
    }
    if (value === undefined && words.length === 0) {
      throw new Failure(EXIT.CONFIG, `--${name} wants a value`)
    }
    options[name] = value ?? words.shift()
  }
  return options
}

/** Those of `--state.*`, without the prefix. */
export function stateOptions(options) {
  const state = Object.entries(options).filter(([name]) => name.startsWith('state.'))
  return Object.fromEntries(state.map(([name, value]) => [name.slice('state.'.length), value]))
}

/** The rules that `--state.*`, or the `state` of a request, ask for. */
export function settingsOf({ fork, chainid, reward, eips, caches }) {
  try {
    return {
      fork: String(fork ?? OPTIONS['state.fork']),
      chainId: BigInt(chainid ?? OPTIONS['state.chainid']),
      reward: BigInt(reward ?? OPTIONS['state.reward']),
      caches: caches === 'yes',
      eips: [eips ?? []].flat().flatMap((each) => String(each).split(',').filter(Boolean).map(Number)),
    }
  } catch (error) {
    throw new Failure(EXIT.CONFIG, `state: ${error.message}`)
  }
}

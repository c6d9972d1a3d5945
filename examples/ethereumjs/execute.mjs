// A block is executed by EthereumJS's own `runBlock`, which knows valid blocks only. A transition tool
// leaves invalid transactions out, so the block is run again without each of which it complains.

import { EthereumJSError } from '@ethereumjs/util'
import { createVM, runBlock } from '@ethereumjs/vm'

import { Frame } from './block.mjs'
import { paramsWith, rulesOf } from './chain.mjs'
import { EXIT, Failure } from './failures.mjs'
import { askedForKzg, loadKzg } from './kzg.mjs'
import { stateOver, trieOf } from './state.mjs'
import { transactionOf } from './transactions.mjs'

/**
 * Execute a block.
 *
 * `settings` are those of `rulesOf`, and `caches`: whether the state has those that EthereumJS's node
 * gives it. `input` is `{ alloc, env, txs }`. The answer holds what `runBlock` gave, the sealed
 * block, the trie that holds the states before and after it, and `rejected`.
 */
export async function execute(settings, input) {
  for (;;) {
    const common = rulesOf(settings)
    const done = await executeUnder(common, settings, input)
    if (!askedForKzg(common)) {
      return done
    }
    await loadKzg()
  }
}

async function executeUnder(common, settings, { alloc, env, txs }) {
  const before = await trieOf(common, alloc)
  const frame = await new Frame(common, env).prepare()
  const rejected = []
  let candidates = []
  for (const [index, given] of txs.entries()) {
    const { transaction, error } = transactionOf(common, given, index)
    const objection = error ?? staticObjection(frame, transaction)
    if (objection === undefined) {
      candidates.push({ index, transaction })
    } else {
      rejected.push({ index, error: objection })
    }
  }
  for (;;) {
    const state = stateOver(common, before, settings.caches)
    const run = await attempt(common, settings, frame, state, candidates)
    const first = firstOf(run, overBlobLimit(common, candidates))
    if (first === null) {
      rejected.sort((one, other) => one.index - other.index)
      return { common, before, rejected, candidates, ...run }
    }
    rejected.push({ index: candidates[first.at].index, error: first.error })
    candidates = candidates.filter((_, at) => at !== first.at)
  }
}

/** Which of two objections is about the lower transaction; a run without one has no `at`. */
function firstOf(run, limit) {
  const objections = [run, limit].filter((each) => each !== null && each.at !== undefined)
  return objections.sort((one, other) => one.at - other.at)[0] ?? null
}

/** Why a transaction could be in no block with this header; nothing, if it could. */
function staticObjection(frame, transaction) {
  const errors = frame
    .with([transaction])
    .getTransactionsValidationErrors()
    .filter((error) => !error.startsWith('invalid blobGasUsed'))
  return errors.length > 0 ? errors.join(', ') : undefined
}

/** The first transaction by which the block has too many blobs, which `runBlock` leaves to others. */
function overBlobLimit(common, candidates) {
  if (!common.isActivatedEIP(4844)) {
    return null
  }
  const { maxBlobGasPerBlock } = common.getBlobGasSchedule()
  let used = 0n
  for (const [at, { transaction }] of candidates.entries()) {
    used += blobGasOf(common, transaction)
    if (used > maxBlobGasPerBlock) {
      return { at, error: `the block's blob gas would be ${used}` }
    }
  }
  return null
}

/** The blob gas that a transaction is charged. */
export function blobGasOf(common, transaction) {
  return BigInt(transaction.blobVersionedHashes?.length ?? 0) * common.param('blobGasPerBlob')
}

/** Run the block: its result, or which transaction it objects to. */
async function attempt(common, settings, frame, state, candidates) {
  const vm = await createVM({
    common,
    stateManager: state,
    blockchain: frame.blockchain(),
    params: paramsWith(settings.reward),
  })
  const executed = []
  let sealed = null
  vm.events.on('afterTx', (event) => executed.push(event))
  vm.events.on('afterBlock', (event) => {
    sealed = event.block
  })
  const block = frame.with(candidates.map(({ transaction }) => transaction))
  const options = { block, generate: true, skipBlockValidation: true }
  try {
    return { result: await runBlock(vm, options), executed, sealed }
  } catch (error) {
    const at = executed.length
    if (!(error instanceof EthereumJSError)) {
      throw new Failure(EXIT.EVM, `internal error, transaction ${at}: ${error.stack ?? error}`)
    }
    if (at === candidates.length) {
      throw new Failure(EXIT.EVM, `the block is invalid: ${error.message}`)
    }
    return { at, error: error.message }
  }
}


// A runner of `blockchain_test` and `blockchain_test_engine` files over EthereumJS:
// `node blocktest.mjs FILE`. It prints what geth's `evm blocktest` prints: an array of
// `{ name, pass, fork, error }`.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { createBlockFromExecutionPayload, createBlockFromRLP } from '@ethereumjs/block'
import { bytesToHex, hexToBytes } from '@ethereumjs/util'
import { createVM, runBlock } from '@ethereumjs/vm'

import { rulesOf } from './chain.mjs'
import { EXIT, Failure, required } from './failures.mjs'
import { askedForKzg, loadKzg } from './kzg.mjs'
import { stateOver, trieOf } from './state.mjs'

const ETHER = 10n ** 18n
const NO_REWARD = -1n
const FIVE_ETHER = ['frontier', 'homestead', 'eip150', 'eip158', 'tangerinewhistle', 'spuriousdragon']
const NO_WORK = ['merge', 'paris', 'shanghai', 'cancun', 'prague', 'osaka']

/** The reward of a fork, as `rulesOf` wants it. */
function rewardOf(fork) {
  const name = fork.toLowerCase()
  if (NO_WORK.includes(name)) {
    return NO_REWARD
  }
  if (FIVE_ETHER.includes(name)) {
    return 5n * ETHER
  }
  return name === 'byzantium' ? 3n * ETHER : 2n * ETHER
}

/** Run one test; raises what is wrong with it. */
async function runTest(test) {
  const chainId = BigInt(test.config?.chainid ?? 1)
  const settings = { fork: test.network, chainId, reward: rewardOf(test.network), eips: [] }
  for (;;) {
    const common = rulesOf(settings)
    try {
      return await runUnder(common, test)
    } catch (error) {
      if (!askedForKzg(common)) {
        throw error
      }
      await loadKzg()
    }
  }
}

async function runUnder(common, test) {
  const genesis = required(test, 'genesisBlockHeader', 'test')
  const trie = await trieOf(common, test.pre)
  expect('genesis state root', genesis.stateRoot, bytesToHex(trie.root()))
  const hashes = new Map([[BigInt(genesis.number), hexToBytes(genesis.hash)]])
  let last = genesis.hash
  for (const given of test.blocks ?? required(test, 'engineNewPayloads', 'test')) {
    const exception = given.expectException ?? given.validationError
    try {
      const block = await blockOf(common, given)
      await execute(common, trie, hashes, block)
      hashes.set(block.header.number, block.hash())
      last = bytesToHex(block.hash())
    } catch (error) {
      if (exception === undefined) {
        throw error
      }
      continue
    }
    expect('exception', exception, undefined)
  }
  expect('last block hash', test.lastblockhash, last)
  if (test.postState !== undefined) {
    const post = await trieOf(common, test.postState)
    expect('post state', bytesToHex(post.root()), bytesToHex(trie.root()))
  }
}

/** The block of a test: from its bytes, or from the arguments of `engine_newPayload`. */
async function blockOf(common, given) {
  if (given.params === undefined) {
    return createBlockFromRLP(hexToBytes(given.rlp), { common })
  }
  const [payload, blobs, parentBeaconBlockRoot, requests] = given.params
  const requestsHash = requests && hashOfRequests(requests)
  const block = await createBlockFromExecutionPayload(
    { ...payload, parentBeaconBlockRoot, requestsHash },
    { common }
  )
  const used = block.transactions.flatMap((each) => each.blobVersionedHashes ?? [])
  expect('versioned hashes', (blobs ?? []).join(), used.join())
  return block
}

/** The header's commitment to requests, as EIP-7685 has it. */
function hashOfRequests(requests) {
  const sha256 = (bytes) => createHash('sha256').update(bytes).digest()
  return bytesToHex(sha256(Buffer.concat(requests.map((each) => sha256(hexToBytes(each))))))
}

/** Run a block on the state of a trie, which then holds the state after it. */
async function execute(common, trie, hashes, block) {
  const chain = {
    getBlock: async (number) => ({ hash: () => hashes.get(BigInt(number)) ?? new Uint8Array(32) }),
    putBlock: async () => {},
    shallowCopy: () => chain,
  }
  const state = stateOver(common, trie, true)
  const vm = await createVM({ common, stateManager: state, blockchain: chain })
  const root = trie.root()
  const result = await runBlock(vm, { block, root, skipHeaderValidation: true })
  expect('state root', bytesToHex(block.header.stateRoot), bytesToHex(result.stateRoot))
  trie.root(result.stateRoot)
}

function expect(what, wanted, got) {
  if (wanted !== got) {
    throw new Error(`${what}: want ${wanted}, have ${got}`)
  }
}

async function main(file) {
  const tests = JSON.parse(readFileSync(file, 'utf8'))
  const results = []
  for (const [name, test] of Object.entries(tests)) {
    try {
      await runTest(test)
      results.push({ name, pass: true, fork: test.network })
    } catch (error) {
      const unknown = error instanceof Failure && error.status === EXIT.CONFIG
      const text = error?.message ?? String(error)
      const message = unknown ? `unsupported fork: ${text}` : text
      results.push({ name, pass: false, fork: test.network, error: message })
    }
  }
  console.log(JSON.stringify(results, null, 1))
}

await main(process.argv[2])

// The block of a tool's `env`: its header, its ommers, its withdrawals, and the ancestors' hashes.

import { Block, createBlockHeader, genWithdrawalsTrieRoot } from '@ethereumjs/block'
import { createWithdrawal, createZeroAddress, hexToBytes } from '@ethereumjs/util'

import { EXIT, Failure, required } from './failures.mjs'

const NO_HASH = new Uint8Array(32)

/** All of a block that is no transaction. */
export class Frame {
  constructor(common, env) {
    this.common = common
    this.hashes = hashesOf(env)
    this.withdrawals = common.isActivatedEIP(4895)
      ? (env.withdrawals ?? []).map((each) => createWithdrawal(each))
      : undefined
    this.number = BigInt(required(env, 'currentNumber', 'env'))
    this.ommers = (env.ommers ?? []).map((each) => this.ommer(env, each))
    this.env = env
  }

  /** Made once the root of the withdrawals is known. */
  async prepare() {
    const { common, withdrawals } = this
    const root = withdrawals && (await genWithdrawalsTrieRoot(withdrawals))
    this.header = headerOf(common, this.env, this.number, this.parentHash(), root)
    return this
  }

  /** The block with these transactions. */
  with(transactions) {
    return new Block(this.header, transactions, this.ommers, this.withdrawals, {
      common: this.common,
    })
  }

  parentHash() {
    const given = this.env.parentHash
    return given ? hexToBytes(given) : (this.hashes.get(this.number - 1n) ?? NO_HASH)
  }

  ommer(env, { address, delta }) {
    const number = this.number - BigInt(delta)
    return createBlockHeader({ coinbase: address, number }, { common: this.common })
  }

  /** The chain as BLOCKHASH sees it: an ancestor that is not given hashes to zero. */
  blockchain() {
    const { hashes } = this
    const chain = {
      getBlock: async (number) => ({ hash: () => hashes.get(BigInt(number)) ?? NO_HASH }),
      putBlock: async () => {},
      shallowCopy: () => chain,
    }
    return chain
  }
}

function hashesOf(env) {
  const given = Object.entries(env.blockHashes ?? {})
  return new Map(given.map(([number, hash]) => [BigInt(number), hexToBytes(hash)]))
}

function headerOf(common, env, number, parentHash, withdrawalsRoot) {
  const needed = (name) => BigInt(required(env, name, 'env'))
  const data = {
    parentHash,
    number,
    coinbase: env.currentCoinbase ?? createZeroAddress(),
    gasLimit: needed('currentGasLimit'),
    timestamp: needed('currentTimestamp'),
    difficulty: 0n,
    withdrawalsRoot,
  }
  if (common.isActivatedEIP(4399)) {
    data.mixHash = hexToBytes(`0x${needed('currentRandom').toString(16).padStart(64, '0')}`)
  } else {
    data.difficulty = needed('currentDifficulty')
  }
  if (common.isActivatedEIP(1559)) {
    data.baseFeePerGas = needed('currentBaseFee')
  }
  if (common.isActivatedEIP(4844)) {
    data.excessBlobGas = needed('currentExcessBlobGas')
  }
  if (common.isActivatedEIP(4788)) {
    data.parentBeaconBlockRoot = env.parentBeaconBlockRoot ?? NO_HASH
  }
  try {
    return createBlockHeader(data, { common })
  } catch (error) {
    throw new Failure(EXIT.CONFIG, `no header: ${error.message}`)
  }
}

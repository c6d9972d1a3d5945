// A trie holds the hashes of its keys alone. To write a state down, the keys are remembered as they
// are hashed.

import { bytesToHex } from '@ethereumjs/util'
import { keccak_256 } from '@noble/hashes/sha3.js'

import { EXIT, Failure } from './failures.mjs'

const ADDRESS_BYTES = 20
const SLOT_BYTES = 32

/** keccak-256, which remembers what could be a key in its `preimages`. */
export function rememberingKeccak() {
  const preimages = new Map()
  const keccak256 = (message) => {
    const digest = keccak_256(message)
    if (message.length === ADDRESS_BYTES || message.length === SLOT_BYTES) {
      preimages.set(bytesToHex(digest), bytesToHex(message))
    }
    return digest
  }
  keccak256.preimages = preimages
  return keccak256
}

/** The key whose hash stands in a trie. */
export function keyOf(common, hash) {
  const key = common.customCrypto.keccak256.preimages.get(hash)
  if (key === undefined) {
    throw new Failure(EXIT.EVM, `the state has a key that nobody hashed: ${hash}`)
  }
  return key
}

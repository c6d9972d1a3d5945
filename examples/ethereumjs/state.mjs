// The state of a block, from and to a tool's `alloc`.

import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { Caches, MerkleStateManager } from '@ethereumjs/statemanager'
import {
  Account,
  bytesToHex,
  createAccountFromRLP,
  createAddressFromString,
  hexToBytes,
  setLengthLeft,
  toBytes,
} from '@ethereumjs/util'

import { EXIT, Failure } from './failures.mjs'
import { keyOf } from './preimages.mjs'

/** The trie of the state that an `alloc` describes. */
export async function trieOf(common, alloc) {
  const trie = new MerklePatriciaTrie({ common, useKeyHashing: true })
  const state = new MerkleStateManager({ common, trie })
  for (const [name, given] of Object.entries(alloc)) {
    try {
      await putAccount(state, createAddressFromString(prefixed(name)), given)
    } catch (error) {
      throw new Failure(EXIT.JSON, `alloc.${name}: ${error.message}`)
    }
  }
  return trie
}

/** A state over a trie, which itself stays as it is. */
export function stateOver(common, trie, withCaches) {
  const caches = withCaches ? new Caches() : undefined
  return new MerkleStateManager({ common, trie: trie.shallowCopy(false), caches })
}

async function putAccount(state, address, given) {
  const account = new Account(BigInt(given.nonce ?? 0), BigInt(given.balance ?? 0))
  await state.putAccount(address, account)
  const code = hexToBytes(given.code ?? '0x')
  if (code.length > 0) {
    await state.putCode(address, code)
  }
  for (const [slot, value] of Object.entries(given.storage ?? {})) {
    await state.putStorage(address, word(slot), word(value))
  }
}

/** The state with this root as an `alloc`: every account that exists, empty ones too. */
export async function allocOf(common, trie, root) {
  const opened = trie.shallowCopy(false)
  opened.root(root)
  const state = new MerkleStateManager({ common, trie: opened })
  const { values } = await opened.getValueMap()
  const alloc = {}
  for (const [hash, rlp] of Object.entries(values)) {
    const name = keyOf(common, hash)
    alloc[name] = await accountOf(common, state, name, createAccountFromRLP(hexToBytes(rlp)))
  }
  return alloc
}

async function accountOf(common, state, name, account) {
  const address = createAddressFromString(name)
  const written = { balance: quantity(account.balance) }
  if (account.nonce !== 0n) {
    written.nonce = quantity(account.nonce)
  }
  const code = await state.getCode(address)
  if (code.length > 0) {
    written.code = bytesToHex(code)
  }
  const slots = Object.entries(await state.dumpStorage(address))
  if (slots.length > 0) {
    written.storage = Object.fromEntries(
      slots.map(([hash, rlp]) => [
        keyOf(common, hash),
        bytesToHex(setLengthLeft(RLP.decode(hexToBytes(rlp)), 32)),
      ])
    )
  }
  return written
}

/** A number as JSON has it. */
export function quantity(number) {
  return `0x${number.toString(16)}`
}

/** 32 bytes of a number in hex, with or without leading zeros. */
function word(hex) {
  const number = BigInt(prefixed(hex))
  return setLengthLeft(toBytes(number), 32)
}

function prefixed(hex) {
  return hex.startsWith('0x') ? hex : `0x${hex}`
}

// The transactions of a tool's `txs`, signed or to be signed with a key.

import { createTx } from '@ethereumjs/tx'
import { EthereumJSError, hexToBytes } from '@ethereumjs/util'

import { EXIT, Failure } from './failures.mjs'

/**
 * One transaction, or why EthereumJS does not take it for one: `{ transaction }` or `{ error }`.
 */
export function transactionOf(common, given, index) {
  if (given === null || typeof given !== 'object') {
    throw new Failure(EXIT.JSON, `txs[${index}] is not an object`)
  }
  try {
    const unsigned = createTx(dataOf(given), { common })
    const mustSign = given.secretKey !== undefined && !unsigned.isSigned()
    const transaction = mustSign ? unsigned.sign(hexToBytes(given.secretKey)) : unsigned
    if (!transaction.isSigned()) {
      return { error: 'it is not signed' }
    }
    transaction.getSenderAddress()
    return { transaction }
  } catch (error) {
    if (error instanceof EthereumJSError) {
      return { error: error.message }
    }
    throw new Failure(EXIT.EVM, `txs[${index}]: ${error.stack ?? error}`)
  }
}

function dataOf(given) {
  const signature = isSigned(given) ? { v: given.v ?? given.yParity, r: given.r, s: given.s } : {}
  return {
    type: Number(given.type ?? 0),
    chainId: given.chainId,
    nonce: given.nonce,
    gasLimit: given.gas ?? given.gasLimit,
    gasPrice: given.gasPrice,
    maxFeePerGas: given.maxFeePerGas,
    maxPriorityFeePerGas: given.maxPriorityFeePerGas,
    maxFeePerBlobGas: given.maxFeePerBlobGas,
    to: given.to === '' || given.to === null || given.to === '0x' ? undefined : given.to,
    value: given.value,
    data: given.input ?? given.data,
    accessList: given.accessList,
    blobVersionedHashes: given.blobVersionedHashes,
    authorizationList: given.authorizationList?.map((each) => ({
      chainId: each.chainId,
      address: each.address,
      nonce: each.nonce,
      yParity: each.yParity ?? each.v,
      r: each.r,
      s: each.s,
    })),
    ...signature,
  }
}

function isSigned(given) {
  return ['r', 's'].some((name) => BigInt(given[name] ?? 0) !== 0n)
}

// What a tool prints: `result`, as geth's does, and `alloc`.

import { RLP } from '@ethereumjs/rlp'
import { bytesToHex } from '@ethereumjs/util'

import { blobGasOf } from './execute.mjs'
import { allocOf, quantity } from './state.mjs'

/** The answer to a block that was executed. */
export async function answerOf(done) {
  const transactions = done.sealed.raw()[1]
  return {
    result: resultOf(done),
    alloc: await allocOf(done.common, done.before, done.result.stateRoot),
    body: bytesToHex(RLP.encode(transactions)),
  }
}

function resultOf({ common, result, sealed, executed, rejected, candidates }) {
  const { header } = sealed
  const logs = result.receipts.flatMap((receipt) => receipt.logs)
  return {
    stateRoot: bytesToHex(result.stateRoot),
    txRoot: bytesToHex(header.transactionsTrie),
    receiptsRoot: bytesToHex(result.receiptsRoot),
    logsHash: bytesToHex(common.customCrypto.keccak256(RLP.encode(logs))),
    logsBloom: bytesToHex(result.logsBloom),
    receipts: result.receipts.map((receipt, at) => receiptOf(receipt, at, executed[at])),
    rejected,
    currentDifficulty: header.difficulty === 0n ? null : quantity(header.difficulty),
    gasUsed: quantity(result.gasUsed),
    ...forkFieldsOf(common, header, result, candidates),
  }
}

function forkFieldsOf(common, header, result, candidates) {
  const fields = {}
  if (common.isActivatedEIP(1559)) {
    fields.currentBaseFee = quantity(header.baseFeePerGas)
  }
  if (common.isActivatedEIP(4895)) {
    fields.withdrawalsRoot = bytesToHex(header.withdrawalsRoot)
  }
  if (common.isActivatedEIP(4844)) {
    const used = candidates.map(({ transaction }) => blobGasOf(common, transaction))
    fields.currentExcessBlobGas = quantity(header.excessBlobGas)
    fields.blobGasUsed = quantity(used.reduce((sum, each) => sum + each, 0n))
  }
  if (common.isActivatedEIP(7685)) {
    const requests = result.requests.filter((request) => request.bytes.length > 1)
    fields.requestsHash = bytesToHex(result.requestsHash)
    fields.requests = requests.map((request) => bytesToHex(request.bytes))
  }
  if (common.isActivatedEIP(7928)) {
    fields.blockAccessList = result.blockLevelAccessList.toJSON()
    fields.blockAccessListHash = bytesToHex(result.blockLevelAccessList.hash())
  }
  return fields
}

function receiptOf(receipt, at, { transaction, totalGasSpent, createdAddress }) {
  const written = {
    type: quantity(transaction.type),
    cumulativeGasUsed: quantity(receipt.cumulativeBlockGasUsed),
    logsBloom: bytesToHex(receipt.bitvector),
    logs: receipt.logs.map(([address, topics, data]) => ({
      address: bytesToHex(address),
      topics: topics.map((topic) => bytesToHex(topic)),
      data: bytesToHex(data),
    })),
    transactionHash: bytesToHex(transaction.hash()),
    gasUsed: quantity(totalGasSpent),
    transactionIndex: quantity(at),
  }
  if (receipt.stateRoot !== undefined) {
    written.root = bytesToHex(receipt.stateRoot)
  } else {
    written.status = quantity(receipt.status)
  }
  if (createdAddress !== undefined && transaction.to === undefined) {
    written.contractAddress = createdAddress.toString()
  }
  return written
}

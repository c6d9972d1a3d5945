// The rules of a fork: a Common, made for a chain that has no other forks than this one.

import { Common } from '@ethereumjs/common'
import { paramsVM } from '@ethereumjs/vm'

import { EXIT, Failure } from './failures.mjs'
import { rememberingKeccak } from './preimages.mjs'
import { kzgWhenNeeded } from './kzg.mjs'

/** What the tests call a fork, in small letters, and what EthereumJS calls it. */
const FORKS = new Map([
  ['frontier', 'chainstart'],
  ['homestead', 'homestead'],
  ['eip150', 'tangerineWhistle'],
  ['tangerinewhistle', 'tangerineWhistle'],
  ['eip158', 'spuriousDragon'],
  ['spuriousdragon', 'spuriousDragon'],
  ['byzantium', 'byzantium'],
  ['constantinople', 'constantinople'],
  ['constantinoplefix', 'petersburg'],
  ['petersburg', 'petersburg'],
  ['istanbul', 'istanbul'],
  ['muirglacier', 'muirGlacier'],
  ['berlin', 'berlin'],
  ['london', 'london'],
  ['arrowglacier', 'arrowGlacier'],
  ['grayglacier', 'grayGlacier'],
  ['merge', 'paris'],
  ['paris', 'paris'],
  ['shanghai', 'shanghai'],
  ['cancun', 'cancun'],
  ['prague', 'prague'],
  ['osaka', 'osaka'],
])
const DEPOSIT_CONTRACT = '0x00000000219ab540356cbb839cbe05303d7705fa'

/** Pays nobody for a block: what `--state.reward=-1` asks for. */
class RewardlessCommon extends Common {
  consensusType() {
    return 'none'
  }
}

/**
 * The rules by which a block is executed.
 *
 * `reward` is the miner's in wei, a BigInt; below 0, nobody is paid or touched. `eips` are switched
 * on beside those of the fork.
 */
export function rulesOf({ fork, chainId, reward, eips }) {
  const hardfork = FORKS.get(fork.toLowerCase())
  if (hardfork === undefined) {
    throw new Failure(EXIT.CONFIG, `unknown fork ${fork}`)
  }
  const Rules = reward < 0n ? RewardlessCommon : Common
  try {
    return new Rules({
      chain: chainOf(chainId),
      hardfork,
      eips,
      params: paramsWith(reward),
      customCrypto: { keccak256: rememberingKeccak(), kzg: kzgWhenNeeded() },
    })
  } catch (error) {
    throw new Failure(EXIT.CONFIG, error.message)
  }
}

function chainOf(chainId) {
  const names = new Set(FORKS.values())
  return {
    name: 'pel',
    chainId: Number(chainId),
    defaultHardfork: 'chainstart',
    consensus: { type: 'pow', algorithm: 'ethash', ethash: {} },
    genesis: { gasLimit: 5000, difficulty: 1, nonce: '0x0000000000000000', extraData: '0x' },
    // Chosen by name alone: no number of a block, and no time, is that of a fork.
    hardforks: [...names].map((name) => ({ name, block: null })),
    bootstrapNodes: [],
    depositContractAddress: DEPOSIT_CONTRACT,
  }
}

/** EthereumJS's own parameters, with the given reward in place of each fork's. */
export function paramsWith(reward) {
  const params = structuredClone(paramsVM)
  for (const each of Object.values(params)) {
    if ('minerReward' in each) {
      each.minerReward = (reward < 0n ? 0n : reward).toString()
    }
  }
  return params
}

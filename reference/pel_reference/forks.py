"""What changes by fork, as far as our own code (not py-evm's) has to know.

One `Rules` per supported fork, each written as the difference from the one before it. The EVM's
own rules by fork are py-evm's, reached through `Rules.vm`.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from eth.vm import forks as evm_forks
from eth.vm.base import VM
from eth.vm.state import BaseState

from pel_reference.errors import UnsupportedFork
from pel_reference.evm_corrections import corrected_state
from pel_reference.fork_names import canonical_fork, resolve_fork
from pel_reference.kzg import remember_trusted_setup

remember_trusted_setup()

ETHER_WEI = 10**18
GAS_PER_BLOB = 131_072


@dataclass(frozen=True, slots=True)
class BlobRules:
    """Limits and price of blobs. Source: EIP-4844, EIP-7691.

    `base_fee_fraction` is the update fraction of the exponential blob base fee.
    """

    target_blobs: int
    max_blobs: int
    base_fee_fraction: int

    @property
    def target_gas(self) -> int:
        """Blob gas of a block at which the price stays as it is."""
        return self.target_blobs * GAS_PER_BLOB

    @property
    def max_gas(self) -> int:
        """Blob gas that one block, and so also one transaction, may use."""
        return self.max_blobs * GAS_PER_BLOB


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol's rules of one fork, outside the EVM.

    `creation_gas` is the intrinsic gas of a creation beyond any transaction's; `max_initcode_bytes`
    is `None` without a limit (and then initcode has no word gas either); `refund_quotient` divides
    the gas used to give the most that is refunded. `bomb_delay_blocks` shifts the difficulty bomb.
    `blobs` is `None` in forks without them.
    """

    fork: str
    vm: type[VM]
    max_transaction_type: int = 0
    block_reward_wei: int = 5 * ETHER_WEI
    nonzero_byte_gas: int = 68
    creation_gas: int = 0
    bomb_delay_blocks: int = 0
    refund_quotient: int = 2
    max_initcode_bytes: int | None = None
    blobs: BlobRules | None = None
    low_s: bool = False
    """EIP-2."""
    replay_protection: bool = False
    """EIP-155."""
    state_clearing: bool = False
    """EIP-161: what is touched and empty ceases to exist."""
    receipt_status: bool = False
    """EIP-658: a receipt holds a status instead of an intermediate state root."""
    fee_market: bool = False
    """EIP-1559: there is a base fee."""
    proof_of_stake: bool = False
    """EIP-3675, EIP-4399: no rewards or ommers; a random value instead of the difficulty."""
    withdrawals: bool = False
    """EIP-4895."""
    beacon_root: bool = False
    """EIP-4788: a system call before the transactions."""
    parent_hash_history: bool = False
    """EIP-2935: a system call before the transactions."""
    requests: bool = False
    """EIP-7685 with EIP-6110, EIP-7002 and EIP-7251: system calls after the withdrawals."""
    calldata_floor: bool = False
    """EIP-7623."""
    delegation: bool = False
    """EIP-7702."""

    @property
    def state(self) -> type[BaseState]:
        """py-evm's State class of this fork, corrected."""
        vm: Any = self.vm
        return corrected_state(vm)


def _rules_in_order() -> tuple[Rules, ...]:
    """Every supported fork, oldest first, each as its difference from an earlier one."""
    frontier = Rules("Frontier", evm_forks.FrontierVM)
    homestead = replace(
        frontier, fork="Homestead", vm=evm_forks.HomesteadVM, creation_gas=32_000, low_s=True
    )
    eip150 = replace(homestead, fork="EIP150", vm=evm_forks.TangerineWhistleVM)
    eip158 = replace(
        eip150,
        fork="EIP158",
        vm=evm_forks.SpuriousDragonVM,
        replay_protection=True,
        state_clearing=True,
    )
    byzantium = replace(
        eip158,
        fork="Byzantium",
        vm=evm_forks.ByzantiumVM,
        block_reward_wei=3 * ETHER_WEI,
        bomb_delay_blocks=3_000_000,
        receipt_status=True,
    )
    constantinople = replace(
        byzantium,
        fork="Constantinople",
        vm=evm_forks.ConstantinopleVM,
        block_reward_wei=2 * ETHER_WEI,
        bomb_delay_blocks=5_000_000,
    )
    petersburg = replace(constantinople, fork="ConstantinopleFix", vm=evm_forks.PetersburgVM)
    istanbul = replace(petersburg, fork="Istanbul", vm=evm_forks.IstanbulVM, nonzero_byte_gas=16)
    muir_glacier = replace(
        istanbul, fork="MuirGlacier", vm=evm_forks.MuirGlacierVM, bomb_delay_blocks=9_000_000
    )
    berlin = replace(muir_glacier, fork="Berlin", vm=evm_forks.BerlinVM, max_transaction_type=1)
    proof_of_work = (
        *(frontier, homestead, eip150, eip158, byzantium),
        *(constantinople, petersburg, istanbul, muir_glacier, berlin),
    )
    fee_market = _fee_market_rules(berlin)
    return proof_of_work + fee_market + _proof_of_stake_rules(fee_market[-1])


def _fee_market_rules(berlin: Rules) -> tuple[Rules, ...]:
    """The forks with a base fee and proof of work, oldest first."""
    london = replace(
        berlin,
        fork="London",
        vm=evm_forks.LondonVM,
        max_transaction_type=2,
        refund_quotient=5,
        bomb_delay_blocks=9_700_000,
        fee_market=True,
    )
    arrow_glacier = replace(
        london, fork="ArrowGlacier", vm=evm_forks.ArrowGlacierVM, bomb_delay_blocks=10_700_000
    )
    gray_glacier = replace(
        arrow_glacier, fork="GrayGlacier", vm=evm_forks.GrayGlacierVM, bomb_delay_blocks=11_400_000
    )
    return london, arrow_glacier, gray_glacier


def _proof_of_stake_rules(gray_glacier: Rules) -> tuple[Rules, ...]:
    """The forks from Paris on, oldest first."""
    paris = replace(
        gray_glacier,
        fork="Paris",
        vm=evm_forks.ParisVM,
        block_reward_wei=0,
        proof_of_stake=True,
    )
    shanghai = replace(
        paris,
        fork="Shanghai",
        vm=evm_forks.ShanghaiVM,
        max_initcode_bytes=49_152,
        withdrawals=True,
    )
    cancun = replace(
        shanghai,
        fork="Cancun",
        vm=evm_forks.CancunVM,
        max_transaction_type=3,
        blobs=BlobRules(target_blobs=3, max_blobs=6, base_fee_fraction=3_338_477),
        beacon_root=True,
    )
    prague = replace(
        cancun,
        fork="Prague",
        vm=evm_forks.PragueVM,
        max_transaction_type=4,
        blobs=BlobRules(target_blobs=6, max_blobs=9, base_fee_fraction=5_007_716),
        parent_hash_history=True,
        requests=True,
        calldata_floor=True,
        delegation=True,
    )
    return paris, shanghai, cancun, prague


RULES = MappingProxyType({rules.fork: rules for rules in _rules_in_order()})
"""Rules by canonical name; the keys are the forks that the reference supports, oldest first."""


def _supported(canonical: str, source: str) -> Rules:
    rules = RULES.get(canonical)
    if rules is None:
        raise UnsupportedFork(source, "fork", f"py-evm does not know the fork {canonical}")
    return rules


def rules_for(fork: str, source: str = "block") -> Rules:
    """The rules of one fork, by any of its names.

    Raises: `UnsupportedFork` naming `source`, for an unknown name and for a fork that py-evm does
    not know (Osaka and later).
    """
    return _supported(canonical_fork(fork, source), source)


def rules_at(fork: str, number: int, timestamp: int, source: str = "block") -> Rules:
    """The rules of the block with this number and timestamp; `fork` may be a transition's name.

    Raises: `UnsupportedFork`, as `rules_for`.
    """
    return _supported(resolve_fork(fork, number, timestamp, source), source)

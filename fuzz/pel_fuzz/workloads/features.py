"""What a block can have in it, by name: the one table that campaigns and reports go by.

A feature is either given to a block by the operation that makes it (it is *tried*: whether the
swap succeeds is for the execution to say), or, if `is_observed`, read off the result afterwards.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pel_fuzz.workloads.world import is_since
from pel_reference.fork_names import FORK_ORDER


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that blocks of the forks from `first_fork` to `last_fork` can have."""

    first_fork: str
    last_fork: str | None
    sentence: str
    is_observed: bool = False

    def is_in(self, fork: str) -> bool:
        """Whether a block of this fork can have it; `fork` is a canonical name."""
        return is_since(fork, self.first_fork) and is_since(self.last_fork or FORK_ORDER[-1], fork)


_MONEY = {
    "transfer": "Money goes from one account to another.",
    "transfer-to-self": "A sender sends money to itself.",
    "transfer-to-new-account": "Money goes to an account that is not in the pre-state.",
    "transfer-to-fee-recipient": "Money goes to the fee recipient, beside its fees.",
    "transfer-to-precompile": "Money goes to a precompiled contract.",
    "transfer-to-contract": "Money goes to a contract that does something with it.",
    "gate": "A contract is told to refuse, or to take, the money that comes later.",
    "contract-spends": "A contract sends money that it got from others.",
    "burst": "One sender sends several transactions in a row.",
    "nonce-chain": "One sender sends at least three transactions of the block.",
    "same-call-again": "The same call as an earlier one, by anyone.",
    "pauper-funded": "An account that owns nothing is given money.",
    "pauper-funded-by-contract": "An account that owns nothing is given money by a contract.",
    "pauper-inherits": "An account that owns nothing is to be the heir of a contract.",
    "pauper-spends": "An account spends money that it has from lower transactions.",
    "pauper-overspends": "An account tries to spend money that it has not got yet.",
    "drained": "A sender spends all that it should have, to the last wei.",
    "gas-race": "A transaction declares much gas, or little, while gas is short.",
    "free-of-charge": "No fee goes to the fee recipient, whatever else does.",
    "same-transaction-again": "A transaction is in the block twice, bit by bit.",
    "zero-tip": "A transaction pays the fee recipient nothing.",
}
_FEES = {
    "fee-recipient-absent": "The fee recipient does not exist before the block.",
    "fee-recipient-exists": (
        "The fee recipient is an account that has nothing to do with the block."
    ),
    "fee-recipient-sends": "The fee recipient is one of the senders.",
    "fee-recipient-contract": "The fee recipient is a contract that writes when it is paid.",
    "fee-recipient-spends": "The fee recipient is a contract that sends what it has.",
    "fee-recipient-destructible": "The fee recipient is a contract that can destroy itself.",
    "fee-recipient-unborn": "The fee recipient is an account that may be created in the block.",
    "fee-recipient-pauper": "The fee recipient owns nothing and may send.",
    "fee-recipient-precompile": "The fee recipient is a precompiled contract.",
    "fee-recipient-is-sender": "The fee recipient sends a transaction.",
    "fee-recipient-spends-fees": "The fee recipient spends what it got as fees.",
    "fee-recipient-destroys-itself": "The fee recipient is told to destroy itself.",
    "fee-recipient-is-created": "The fee recipient is created in the block.",
    "fee-recipient-paid-by-contract": "A contract pays the fee recipient.",
    "fee-recipient-balance-read": "A contract reads the fee recipient's balance.",
}
_STORAGE = {
    "counter": "Everybody writes the same slot.",
    "limited-counter": "Everybody writes the same slot, as long as there are numbers left.",
    "slot-write": "A contended slot is written without being read.",
    "slot-update": "A contended slot is read and written.",
    "range-write": "Several slots are written without being read.",
    "range-read": "Several contended slots are read.",
    "read-only": "Contended slots are read, and only a log shows it.",
    "indirect-write": "The slot that is written depends on what is in another one.",
    "indirect-read": "The slot that is read depends on what is in another one.",
    "place-depends-on-balance": "The slot that is written depends on a balance.",
    "creation-depends-on-balance": "Whether an account is created depends on a balance.",
    "refund": "Storage is cleared while gas is short.",
    "observer": "A contract stores balance, code size and code hash of some account.",
    "code-read": "A contract reads the code of some account.",
    "header-read": "A contract stores what the block says of itself.",
    "blockhash": "A contract asks for the hash of an ancestor, known or not.",
    "gas-is-seen": "Gas prices of instructions end up in storage or in a log.",
    "ledger": "A token in the oldest instructions.",
}
_DEPTHS = {
    "proxy-call": "An earlier call again, by a contract.",
    "undone-by-failure": "An earlier call again, by a contract that fails afterwards.",
    "foreign-code-on-own-storage": "A contract runs the code of another one on its own storage.",
    "nested-proxies": "An earlier call again, by a contract that another one calls.",
    "recursion": "A contract calls itself.",
    "fails-in-depth": "A call fails at some depth.",
    "out-of-gas-in-depth": "A call runs out of gas at some depth.",
    "tight-gas": "A transaction gets less gas than it may need.",
    "precompile": "A contract calls a precompiled one.",
}
_CREATION = {
    "creation-transaction": "A transaction creates an account.",
    "create": "A contract creates an account by CREATE.",
    "creation-deploys": "A creation deploys code.",
    "creation-writes-storage": "A creation reads and writes the storage of the new account.",
    "creation-without-code": "A creation leaves an account without code.",
    "creation-destroys-itself": "The account that is being created destroys itself.",
    "creation-leaves-storage-without-code": (
        "A creation leaves an account with storage, but no code."
    ),
    "creation-fails": "A creation fails.",
    "creation-too-large": "A creation asks for more code than may be.",
    "creation-of-reserved-code": "A creation asks for code that begins with 0xef.",
    "creation-foreseen": "An account is created that others have known before.",
    "created-account-called": "What was created, or was to be, is called.",
    "prefunded-creation": "Money goes to where an account is going to be created.",
    "creation-onto-code": "A creation where there is code.",
    "creation-onto-nonce": "A creation where there is a nonce.",
    "creation-onto-balance": "A creation where there is money.",
    "creation-onto-storage": "A creation where there is storage, but neither code nor nonce.",
    "creator-at-last-nonce": "A creation by an account whose nonce is nearly at its end.",
}
_DESTRUCTION = {
    "destruction": "A contract is told to destroy itself.",
    "destruction-undone": "A contract is told to destroy itself in a call that is undone.",
    "destructible-called": "A contract is called that may have destroyed itself.",
    "destructible-paid": "A contract is paid that may have destroyed itself.",
    "lives-for-one-transaction": "A contract is created, destroyed and paid in one transaction.",
    "heir-is-new": "The heir of a contract does not exist before.",
    "heir-is-fee-recipient": "The heir of a contract is the fee recipient.",
    "heir-is-itself": "The heir of a contract is itself.",
    "heir-is-pauper": "The heir of a contract owns nothing before.",
    "heir-is-precompile": "The heir of a contract is a precompiled contract.",
    "heir-sends": "The heir of a contract is one of the senders.",
    "heir-is-contract": "The heir of a contract is another contract.",
}
_EXISTENCE = {
    "empty-account-paid": "An account that has nothing gets something.",
    "touch": "An account that has nothing is touched.",
    "touch-undone": "An account that has nothing is touched in a call that is undone.",
    "touch-by-destruction": "A contract without money has an heir without anything.",
    "touched-after-destruction": "A contract destroys itself, and is touched after that.",
    "precompile-touched": "A precompiled contract is touched, in a call that may be undone.",
    "system-address-touched": "The address that system calls come from is touched.",
    "call-creates-account": (
        "A contract calls an account that may not exist, with money or without."
    ),
    "storage-without-code": "An account of the pre-state has storage, but no code.",
}
_INVALID = {
    "invalid-nonce-at-maximum": "A nonce that cannot be raised.",
    "invalid-nonce-too-high": "A gap in the nonces.",
    "invalid-nonce-too-low": "A nonce that was used.",
    "invalid-funds": "More money than the sender has.",
    "invalid-absurd-value": "More money than there can be.",
    "invalid-gas-below-intrinsic": "Too little gas to begin.",
    "invalid-gas-above-block": "More gas than the block has.",
    "invalid-sender-has-code": "A contract as sender.",
    "invalid-signature": "A signature of nobody.",
}
_HOMESTEAD = {
    "invalid-high-s": "The other signature of the same key.",
}
_EIP158 = {
    "no-replay-protection": "A signature that is good on any chain.",
    "invalid-chain-id": "A transaction for another chain.",
}
_BYZANTIUM = {
    "batch": "One transaction calls several places, and is undone unless all of it works.",
    "undone-by-revert": "An earlier call again, by a contract that reverts afterwards.",
    "static-call": "An earlier call again, by a contract that forbids it to write.",
    "reverts-in-depth": "A call reverts at some depth.",
    "creation-reverts": "A creation reverts.",
    "code-depends-on-slot": "Which code runs depends on what is in a slot.",
}
_CONSTANTINOPLE = {
    "create2": "A contract creates an account by CREATE2.",
    "revival-tried": "A creation where a contract is that may have destroyed itself.",
    "metamorph": "A creation, at an address used before, of other code.",
    "token-transfer": "Tokens go from one account to another.",
    "token-transfer-from": "Tokens go from one account to another by an allowance.",
    "token-approval": "An allowance is given.",
    "token-mint": "New tokens.",
    "token-burn": "Fewer tokens.",
    "swap": "A trade with an automated market maker.",
    "liquidity": "Liquidity for the market maker, or from it.",
    "flash-swap": "A flash swap that is repaid.",
    "flash-swap-unpaid": "A flash swap that is not repaid.",
    "price": "The oracle gets another price.",
    "loan": "A loan, or its repayment.",
    "collateral": "Collateral is deposited or withdrawn.",
    "liquidation-tried": "Somebody wants to liquidate a position.",
    "farming": "A stake, and what it earned.",
    "auction-bid": "A bid in an auction.",
    "auction-end": "An auction is ended.",
}
_ISTANBUL = {
    "nft-mint": "One of a limited number of tokens is bought.",
    "nft-transfer": "A token of a limited number changes hands.",
    "nft-collected": "What the mint has earned is handed over.",
}
_BERLIN = {
    "access-list": "A transaction declares what it is going to use.",
}
_LONDON = {
    "fee-market-transaction": "A transaction offers a maximum fee and a tip.",
    "capped-tip": "A transaction's maximum fee leaves less than its tip.",
    "free-base": "The base fee is 0.",
    "invalid-tip-above-fee": "A tip above the maximum fee.",
    "invalid-fee-below-base": "A maximum fee below the base fee.",
}
_SHANGHAI = {
    "withdrawal": "A validator's withdrawal to one of the senders.",
    "withdrawal-to-fee-recipient": "A withdrawal to the fee recipient.",
    "withdrawal-to-new-account": "A withdrawal to an account that is not in the pre-state.",
    "withdrawal-to-contract": "A withdrawal to a contract, which does not run.",
    "withdrawal-to-destructible": "A withdrawal to a contract that can destroy itself.",
    "withdrawal-to-unborn": "A withdrawal to where an account may be created.",
    "withdrawal-of-nothing": "A withdrawal of 0.",
    "invalid-initcode-length": "Too much initcode.",
}
_CANCUN = {
    "fee-recipient-system-address": "The fee recipient is the address of system calls.",
    "transient-storage": "A lock in transient storage.",
    "blobs": "A transaction with blobs.",
    "blob-gas-race": "A transaction with so many blobs that others may find no room.",
    "blob-base-fee-read": "A contract reads the blob base fee.",
    "beacon-root-read": "A contract asks for a beacon root.",
    "system-contract-absent": "A system call finds no code.",
    "invalid-no-blobs": "A blob transaction without blobs.",
    "invalid-too-many-blobs": "More blobs than a block holds.",
    "invalid-blob-version": "A blob hash of an unknown version.",
    "invalid-blob-fee": "A maximum blob fee below the blob base fee.",
    "invalid-blob-creation": "A blob transaction that creates.",
}
_PRAGUE = {
    "fee-recipient-delegated": "The fee recipient is an account that runs the code of another.",
    "delegation": "A valid authorization to run the code of another.",
    "self-sponsored": "A sender is in its own list of authorizations.",
    "delegation-changed": "A valid authorization of an account that was delegated before.",
    "delegation-cleared": "An authorization that ends a delegation.",
    "delegation-to-delegated": "An authorization to run the code of a delegated account.",
    "delegation-to-precompile": "An authorization to run the code of a precompiled contract.",
    "authorization-invalid": "An authorization that is skipped.",
    "delegated-account-called": "An account is called that may be delegated.",
    "delegated-account-sends": "A delegated account sends a transaction.",
    "delegated-account-pays": "A delegated account is told to pay somebody.",
    "delegated-account-destroys-itself": "A delegated account is told to destroy itself.",
    "nonce-raised-by-own-code": "A sender's nonce goes up because its own code creates.",
    "authority-sends": "An account that may have been delegated sends a transaction.",
    "authority-paid": "An account that may have been delegated is paid.",
    "history-read": "A contract asks the history contract for a hash.",
    "withdrawal-request": "A request to withdraw, for the end of the block.",
    "consolidation-request": "A request to consolidate, for the end of the block.",
    "deposit-request": "A deposit, whose log becomes a request.",
    "invalid-no-authorizations": "An empty list of authorizations.",
    "invalid-gas-below-floor": "Gas for the execution, but not for the call data.",
}
_POW = {
    "ommers": "There are ommers to be rewarded.",
    "ommer-of-fee-recipient": "The fee recipient is rewarded for an ommer as well.",
    "no-reward": "The reward is not paid here.",
}
_BEFORE_THE_MERGE = {
    "empty-account-in-pre-state": "The pre-state holds an account that has nothing.",
    "fee-recipient-empty": "The fee recipient exists and has nothing.",
}
_BEFORE_REPLAY_PROTECTION = {
    "invalid-replay-protection": "A signature for one chain, before there was such a thing.",
}
_BEFORE_LOW_S = {
    "high-s-allowed": "The other signature of the same key, which Frontier allows.",
}
_OF_AN_UNKNOWN_TYPE = {
    "invalid-type": "A transaction of a type that the fork does not know.",
}
_OBSERVED = {
    "logs": "There is a log.",
    "failed": "A transaction is included and fails.",
    "rejected-in-the-middle": "A transaction is rejected, and a higher one is included.",
    "block-gas-exhausted": "A transaction is rejected because lower ones used the gas.",
    "admitted-after-exhaustion": "A transaction is rejected for want of gas, a higher one fits.",
    "nonce-depends": "A transaction is rejected whose nonce could have been right.",
    "funds-missing": "A transaction is rejected because its sender cannot pay.",
    "account-created": "There is a contract that the pre-state does not have.",
    "creation-collided": "A creation transaction fails at an address of the pre-state.",
    "fee-recipient-born": "The fee recipient exists only after the block.",
}
_OBSERVED_BEFORE_CLEARING = {
    "empty-account-left": "There is an empty account that the pre-state does not have.",
}
_OBSERVED_SINCE_CLEARING = {
    "empty-account-cleared": "An empty account of the pre-state is gone.",
}
_OBSERVED_WITHOUT_REWARDS = {
    "fee-recipient-never-born": "The fee recipient is absent before the block and after it.",
}
_OBSERVED_WITH_FULL_DESTRUCTION = {
    "account-destroyed": "A contract of the pre-state is gone, or has no code any more.",
}
_OBSERVED_WITH_REVIVAL = {
    "revived": "A contract of the pre-state was destroyed and is back, without its storage.",
    "code-changed": "A contract of the pre-state has other code.",
}
_OBSERVED_WITH_CREATE2 = {
    "liquidated": "A liquidation succeeds.",
    "flash-swap-repaid": "A flash swap succeeds.",
}
_OBSERVED_WITH_BLOBS = {
    "blob-gas-exhausted": "A transaction is rejected because lower ones used the blob gas.",
}
_OBSERVED_WITH_DELEGATION = {
    "delegation-set": "An account is delegated that was not before.",
    "delegation-ended": "An account is no longer delegated.",
    "requests": "There is a request at the end of the block.",
}

_TABLE: tuple[tuple[str, str | None, dict[str, str]], ...] = (
    ("Frontier", None, _MONEY),
    ("Frontier", None, _FEES),
    ("Frontier", None, _STORAGE),
    ("Frontier", None, _DEPTHS),
    ("Frontier", None, _CREATION),
    ("Frontier", None, _DESTRUCTION),
    ("Frontier", None, _EXISTENCE),
    ("Frontier", None, _INVALID),
    ("Frontier", "Frontier", _BEFORE_LOW_S),
    ("Frontier", "EIP150", _BEFORE_REPLAY_PROTECTION),
    ("Frontier", "GrayGlacier", _POW),
    ("Frontier", "GrayGlacier", _BEFORE_THE_MERGE),
    ("Frontier", "Cancun", _OF_AN_UNKNOWN_TYPE),
    ("Homestead", None, _HOMESTEAD),
    ("EIP158", None, _EIP158),
    ("Byzantium", None, _BYZANTIUM),
    ("Constantinople", None, _CONSTANTINOPLE),
    ("Istanbul", None, _ISTANBUL),
    ("Berlin", None, _BERLIN),
    ("London", None, _LONDON),
    ("Shanghai", None, _SHANGHAI),
    ("Cancun", None, _CANCUN),
    ("Prague", None, _PRAGUE),
)
_OBSERVED_TABLE: tuple[tuple[str, str | None, dict[str, str]], ...] = (
    ("Frontier", None, _OBSERVED),
    ("Frontier", "EIP150", _OBSERVED_BEFORE_CLEARING),
    ("EIP158", "GrayGlacier", _OBSERVED_SINCE_CLEARING),
    ("Frontier", "Shanghai", _OBSERVED_WITH_FULL_DESTRUCTION),
    ("Constantinople", "Shanghai", _OBSERVED_WITH_REVIVAL),
    ("Constantinople", None, _OBSERVED_WITH_CREATE2),
    ("Paris", None, _OBSERVED_WITHOUT_REWARDS),
    ("Cancun", None, _OBSERVED_WITH_BLOBS),
    ("Prague", None, _OBSERVED_WITH_DELEGATION),
)


def _features() -> Iterator[tuple[str, Feature]]:
    for table, is_observed in ((_TABLE, False), (_OBSERVED_TABLE, True)):
        for first_fork, last_fork, sentences in table:
            for name, sentence in sentences.items():
                yield name, Feature(first_fork, last_fork, sentence, is_observed)


FEATURES: Mapping[str, Feature] = MappingProxyType(dict(_features()))
"""Every feature by name."""


def features_of(fork: str, *, is_observed: bool = False) -> frozenset[str]:
    """The features that blocks of a fork can be given, or that can be observed on them."""
    return frozenset(
        name
        for name, feature in FEATURES.items()
        if feature.is_in(fork) and feature.is_observed == is_observed
    )

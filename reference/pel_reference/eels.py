"""The second oracle: a whole block run by EELS, in process.

It shares nothing with the reference but the plain data that go in and come out: EELS decodes the
transactions from their bytes, recovers senders, and decides validity, gas, receipts, requests and
roots by itself. What is written here is only what its own transition tool does too: going on after
an invalid transaction, and paying a reward that is given from outside.

For forks that py-evm does not know it can be *the* reference.
"""

from typing import Any

from pel_reference.block import Block, BlockResult, Environment, Log, Receipt, Rejected, Transaction
from pel_reference.eels_forks import EelsFork, eels_fork_at
from pel_reference.eels_state import (
    copy_eels_state,
    make_eels_state,
    read_eels_alloc,
    restore_eels_state,
)
from pel_reference.errors import InvalidBlock
from pel_reference.transaction_rlp import encode_transaction

ANCESTORS = 256


def _ancestors(env: Environment) -> list[bytes]:
    """Ancestors' hashes, the parent's last, zero where they are not given."""
    first = max(env.number - ANCESTORS, 0)
    hashes = [env.block_hashes.get(number, bytes(32)) for number in range(first, env.number)]
    if env.parent_hash is not None and hashes:
        hashes[-1] = env.parent_hash
    return hashes


def _environment(fork: EelsFork, block: Block, state: Any) -> Any:
    from ethereum.crypto.hash import Hash32  # noqa: PLC0415 (EELS is optional)
    from ethereum_types.bytes import Bytes32  # noqa: PLC0415
    from ethereum_types.numeric import U64, U256, Uint  # noqa: PLC0415

    env = block.env
    values: dict[str, Any] = {
        "chain_id": U64(block.chain_id),
        "state": state,
        "block_gas_limit": Uint(env.gas_limit),
        "block_hashes": [Hash32(ancestor) for ancestor in _ancestors(env)],
        "coinbase": fork.fork_types.Address(env.coinbase),
        "number": Uint(env.number),
        "time": U256(env.timestamp),
    }
    if fork.is_from("London"):
        values["base_fee_per_gas"] = Uint(env.base_fee_wei or 0)
    if fork.is_from("Paris"):
        values["prev_randao"] = Bytes32(env.prev_randao or bytes(32))
    else:
        values["difficulty"] = Uint(env.difficulty)
    if fork.is_from("Cancun"):
        values["excess_blob_gas"] = U64(env.excess_blob_gas or 0)
        values["parent_beacon_block_root"] = Hash32(env.parent_beacon_block_root or bytes(32))
    return fork.vm.BlockEnvironment(**values)


class _ErrorWatch:
    """A tracer that keeps whether the last transaction failed: old receipts do not say it."""

    def __init__(self) -> None:
        self.succeeded = False

    def __call__(self, evm: object, event: object, **options: object) -> None:
        from ethereum.trace import TransactionEnd  # noqa: PLC0415 (EELS is optional)

        if isinstance(event, TransactionEnd):
            self.succeeded = event.error is None


class _EelsRun:
    """One block in execution by EELS."""

    def __init__(self, fork: EelsFork, block: Block) -> None:
        self.fork = fork
        self.block = block
        self.state = make_eels_state(fork, block.alloc)
        self.env = _environment(fork, block, self.state)
        self.output = fork.vm.BlockOutput()
        self.receipts: list[Receipt] = []
        self.rejected: list[Rejected] = []

    def call_before(self) -> None:
        """As `apply_body` does it, except for what the environment does not give."""
        run, env = self.fork.fork, self.block.env
        if not self.fork.is_from("Cancun") or env.number == 0:
            return
        if env.parent_beacon_block_root is not None:
            run.process_unchecked_system_transaction(
                self.env, run.BEACON_ROOTS_ADDRESS, self.env.parent_beacon_block_root
            )
        if self.fork.is_from("Prague"):
            run.process_unchecked_system_transaction(
                self.env, run.HISTORY_STORAGE_ADDRESS, self.env.block_hashes[-1]
            )

    def _decode(self, transaction: Transaction) -> Any:
        from ethereum_rlp import rlp  # noqa: PLC0415 (EELS is optional)

        encoded = encode_transaction(transaction)
        kinds = self.fork.transactions
        if transaction.type != 0:
            if not self.fork.is_from("Berlin"):
                raise ValueError("no typed transactions in this fork")
            return kinds.decode_transaction(encoded)
        legacy = kinds.LegacyTransaction if self.fork.is_from("Berlin") else kinds.Transaction
        return rlp.decode_to(legacy, encoded)

    def transact(self, tx_index: int, transaction: Transaction) -> None:
        """Execute a transaction, or reject it and put everything back."""
        from ethereum.exceptions import EthereumException  # noqa: PLC0415 (EELS is optional)
        from ethereum_rlp.exceptions import RLPException  # noqa: PLC0415

        if transaction.type != 0 and transaction.chain_id != self.block.chain_id:
            # EELS 2.20.0 forgets to look at the chain id of typed transactions.
            self.rejected.append(Rejected(tx_index, "wrong chain id"))
            return
        try:
            decoded = self._decode(transaction)
        except (EthereumException, RLPException, ValueError, OverflowError) as error:
            self._reject(tx_index, error)
            return
        saved = copy_eels_state(self.fork, self.state)
        try:
            succeeded = self._process(decoded)
        except EthereumException as error:
            restore_eels_state(self.state, saved)
            self._reject(tx_index, error)
        else:
            self._keep_receipt(tx_index, transaction, decoded, succeeded)

    def _process(self, decoded: Any) -> bool:
        """Execute it, and tell whether it succeeded, as far as receipts do not say it."""
        from ethereum.trace import set_evm_trace  # noqa: PLC0415 (EELS is optional)
        from ethereum_rlp import rlp  # noqa: PLC0415
        from ethereum_types.numeric import Uint  # noqa: PLC0415

        index = Uint(len(self.receipts))
        watch = _ErrorWatch()
        replaced = None if self.fork.is_from("Byzantium") else set_evm_trace(watch)
        try:
            self.fork.fork.process_transaction(self.env, self.output, decoded, index)
        except BaseException:
            # EELS enters a transaction into the trie before it looks at it.
            self.fork.trie.trie_set(self.output.transactions_trie, rlp.encode(index), None)
            raise
        finally:
            if replaced is not None:
                set_evm_trace(replaced)
        return watch.succeeded

    def _reject(self, tx_index: int, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        self.rejected.append(Rejected(tx_index, reason))

    def _keep_receipt(
        self, tx_index: int, transaction: Transaction, decoded: Any, watched: bool
    ) -> None:
        found = self.fork.trie.trie_get(self.output.receipts_trie, self.output.receipt_keys[-1])
        if self.fork.is_from("Berlin"):
            found = self.fork.blocks.decode_receipt(found)
        has_status = self.fork.is_from("Byzantium")
        used = int(found.cumulative_gas_used)
        self.receipts.append(
            Receipt(
                tx_index=tx_index,
                type=transaction.type,
                status=bool(found.succeeded) if has_status else watched,
                gas_used=used - (self.receipts[-1].cumulative_gas_used if self.receipts else 0),
                cumulative_gas_used=used,
                logs=tuple(_log(log) for log in found.logs),
                bloom=bytes(found.bloom),
                contract_address=self._created(transaction, decoded),
                state_root=None if has_status else bytes(found.post_state),
            )
        )

    def _created(self, transaction: Transaction, decoded: Any) -> bytes | None:
        from ethereum_types.numeric import U64, Uint  # noqa: PLC0415 (EELS is optional)

        if not transaction.is_creation:
            return None
        recover = self.fork.transactions.recover_sender
        if self.fork.is_from("EIP158"):
            sender = recover(U64(self.block.chain_id), decoded)
        else:
            sender = recover(decoded)
        return bytes(self.fork.address.compute_contract_address(sender, Uint(transaction.nonce)))

    def pay_rewards(self) -> None:
        """What `pay_rewards` of EELS does, for the reward that the environment gives."""
        from ethereum_types.numeric import U256  # noqa: PLC0415 (EELS is optional)

        env, address = self.block.env, self.fork.fork_types.Address
        reward = env.block_reward_wei
        if self.fork.is_from("Paris") or reward == 0:
            return
        create = self.fork.state.create_ether
        own = reward + len(env.ommers) * (reward // 32)
        create(self.state, address(env.coinbase), U256(own))
        for ommer in env.ommers:
            share = (8 - ommer.delta) * reward // 8
            create(self.state, address(ommer.coinbase), U256(share))

    def withdraw(self) -> None:
        from ethereum_types.numeric import U64, U256  # noqa: PLC0415 (EELS is optional)

        if not self.fork.is_from("Shanghai"):
            return
        withdrawals = tuple(
            self.fork.blocks.Withdrawal(
                U64(given.index),
                U64(given.validator_index),
                self.fork.fork_types.Address(given.address),
                U256(given.amount_gwei),
            )
            for given in self.block.env.withdrawals or ()
        )
        self.fork.fork.process_withdrawals(self.env, self.output, withdrawals)

    def collect_requests(self) -> None:
        """Raises: `InvalidBlock` where EELS finds the block invalid."""
        from ethereum.exceptions import InvalidBlock as EelsInvalidBlock  # noqa: PLC0415

        if not self.fork.is_from("Prague"):
            return
        try:
            self.fork.fork.process_general_purpose_requests(self.env, self.output)
        except EelsInvalidBlock as error:
            raise InvalidBlock(str(error)) from error

    def result(self) -> BlockResult:
        from ethereum.crypto.hash import keccak256  # noqa: PLC0415 (EELS is optional)
        from ethereum_rlp import rlp  # noqa: PLC0415

        fork, output = self.fork, self.output
        root = fork.trie.root
        has_requests = fork.is_from("Prague")
        requests = tuple(bytes(request) for request in output.requests) if has_requests else None
        return BlockResult(
            alloc=read_eels_alloc(self.state),
            state_root=bytes(fork.state.state_root(self.state)),
            transactions_root=bytes(root(output.transactions_trie)),
            receipts_root=bytes(root(output.receipts_trie)),
            logs_hash=bytes(keccak256(rlp.encode(output.block_logs))),
            logs_bloom=bytes(fork.bloom.logs_bloom(output.block_logs)),
            gas_used=int(output.block_gas_used),
            receipts=tuple(self.receipts),
            rejected=tuple(self.rejected),
            blob_gas_used=int(output.blob_gas_used) if fork.is_from("Cancun") else None,
            withdrawals_root=(
                bytes(root(output.withdrawals_trie)) if fork.is_from("Shanghai") else None
            ),
            requests=requests,
            requests_hash=(
                bytes(fork.fork.compute_requests_hash(output.requests)) if has_requests else None
            ),
        )


def _log(log: Any) -> Log:
    return Log(bytes(log.address), tuple(bytes(topic) for topic in log.topics), bytes(log.data))


class EelsFailure(Exception):
    """EELS itself broke down on a block: it gave no verdict, and none may be taken from it."""


def _run(fork: EelsFork, block: Block) -> BlockResult:
    run = _EelsRun(fork, block)
    run.call_before()
    for tx_index, transaction in enumerate(block.transactions):
        run.transact(tx_index, transaction)
    run.pay_rewards()
    run.withdraw()
    run.collect_requests()
    return run.result()


def run_block_eels(block: Block) -> BlockResult:
    """The block's result by EELS; the same in every part as the reference's, or one is wrong.

    The reasons in `rejected` are in EELS's own words.

    Raises: `EelsMissing`, `UnsupportedFork`; `InvalidBlock` where EELS finds the whole block
    invalid; `EelsFailure` for anything that it should not have raised.
    """
    fork = eels_fork_at(block.fork, block.env.number, block.env.timestamp)
    try:
        return _run(fork, block)
    except InvalidBlock:
        raise
    except Exception as error:
        raise EelsFailure(f"{type(error).__name__}: {error}".removesuffix(": ")) from error

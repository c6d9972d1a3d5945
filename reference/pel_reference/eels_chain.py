"""Consensus tests run by EELS alone: its own decoding, header checks, execution and roots."""

from typing import Any
from unittest.mock import patch

from pel_reference.block import Alloc
from pel_reference.blockchain_test import ChainTest, ChainTestResult, judge_chain_test
from pel_reference.eels_forks import EelsFork, eels_fork_at
from pel_reference.eels_state import make_eels_state, read_eels_alloc
from pel_reference.header import Header, decode_block


def _take_any_work(header: object) -> None:
    """In the place of EELS's proof-of-work check: these tests hold no work."""


class _EelsChain:
    """EELS's chain of a test, which is made anew in another fork's classes where the fork changes.

    EELS keeps one chain without side chains; a block that it refuses leaves no trace.
    """

    def __init__(self, test: ChainTest) -> None:
        self._test = test
        self._encoded = [test.genesis_encoded]
        self._header = test.genesis
        self._alloc: Alloc = test.pre
        self._fork: EelsFork | None = None
        self._chain: Any = None

    def end(self) -> tuple[bytes, Alloc]:
        """The last block's hash, and the state after it."""
        return self._header.hash, self._alloc

    def add(self, encoded: bytes) -> str | None:
        """Append the block, or say why EELS does not.

        Raises: `EelsMissing`, `UnsupportedFork`.
        """
        from ethereum.exceptions import EthereumException  # noqa: PLC0415 (EELS is optional)
        from ethereum_rlp import rlp  # noqa: PLC0415
        from ethereum_rlp.exceptions import RLPException  # noqa: PLC0415

        header = self._header_of(encoded)
        fork = self._fork_of(header)
        if fork is not self._fork:
            self._enter(fork)
        try:
            block = rlp.decode_to(fork.blocks.Block, encoded)
            with patch.object(fork.fork, "validate_proof_of_work", _take_any_work, create=True):
                fork.fork.state_transition(self._chain, block)
        except (EthereumException, RLPException, OverflowError) as error:
            self._enter(fork)
            return f"{type(error).__name__}: {error}".removesuffix(": ")
        self._encoded.append(encoded)
        self._header = header
        self._alloc = read_eels_alloc(self._chain.state)
        return None

    def _header_of(self, encoded: bytes) -> Header:
        """The block's header, which says its fork; bytes that are no block go to the last fork."""
        try:
            return decode_block(encoded).header
        except ValueError:
            return self._header

    def _fork_of(self, header: Header) -> EelsFork:
        test = self._test
        return eels_fork_at(test.network, header.number, header.timestamp, test.source)

    def _enter(self, fork: EelsFork) -> None:
        """Make the chain as it stands in this fork's classes."""
        from ethereum_types.numeric import U64  # noqa: PLC0415 (EELS is optional)

        self._fork = fork
        self._chain = fork.fork.BlockChain(
            blocks=[self._decode_past(fork, encoded) for encoded in self._encoded],
            state=make_eels_state(fork, self._alloc),
            chain_id=U64(self._test.chain_id),
        )

    def _decode_past(self, fork: EelsFork, encoded: bytes) -> Any:
        """A past block in the fork's own classes where they fit (it asks), else in older ones."""
        from ethereum_rlp import rlp  # noqa: PLC0415 (EELS is optional)
        from ethereum_rlp.exceptions import RLPException  # noqa: PLC0415

        try:
            return rlp.decode_to(fork.blocks.Block, encoded)
        except RLPException:
            return rlp.decode_to(self._fork_of(self._header_of(encoded)).blocks.Block, encoded)


def run_chain_test_eels(test: ChainTest) -> ChainTestResult:
    """Run the whole test by EELS.

    Raises: `EelsMissing`.
    """
    chain = _EelsChain(test)
    return judge_chain_test(test, chain.add, chain.end)

"""What users give to a command: a block in any of the forms that the ecosystem has."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pel_reference.block import Block, BlockResult
from pel_reference.blockchain_test import (
    ChainTest,
    is_blockchain_test,
    iter_blocks,
    parse_chain_tests,
)
from pel_reference.engine_test import is_engine_test, parse_engine_tests
from pel_reference.json_input import Field, read_json_file
from pel_reference.triple import parse_block

EXPECTED_FIELDS = {
    "receiptsRoot": "receipts_root",
    "logsBloom": "logs_bloom",
    "gasUsed": "gas_used",
    "transactionsRoot": "transactions_root",
    "stateRoot": "state_root",
    "withdrawalsRoot": "withdrawals_root",
    "requestsHash": "requests_hash",
    "blobGasUsed": "blob_gas_used",
}
"""Values that a block file may hold under `expected`, and where a result holds them."""


@dataclass(frozen=True, slots=True)
class GivenBlock:
    """One block of a file, and what the file expects of it, by the names of `EXPECTED_FIELDS`."""

    name: str
    block: Block
    expected: dict[str, int | bytes]

    def unmet(self, result: BlockResult) -> Iterator[tuple[str, int | bytes, object]]:
        """What was expected otherwise: name, expected, got.

        Receipts before Byzantium hold state roots, which a partial pre-state cannot give: there
        the receipts' root is left out.
        """
        rooted = any(receipt.state_root is not None for receipt in result.receipts)
        for name, wanted in self.expected.items():
            got = getattr(result, EXPECTED_FIELDS[name])
            if got != wanted and not (rooted and name == "receiptsRoot"):
                yield name, wanted, got


def read_input(path: str | Path) -> "GivenBlock | tuple[ChainTest, ...]":
    """A block as a transition-tool triple, or the tests of a `blockchain_test` file or of one of
    engine payloads.

    Raises: `InputError`, `UnsupportedFork`.
    """
    document = read_json_file(path)
    if is_engine_test(document):
        return parse_engine_tests(document)
    if is_blockchain_test(document):
        return parse_chain_tests(document)
    return GivenBlock(str(path), parse_block(document), _expected(document.get("expected")))


def parts_of(
    given: "GivenBlock | tuple[ChainTest, ...]",
) -> Iterator[tuple[str, Iterator[Block]]]:
    """An input's parts, each with its name and its valid blocks one after the other.

    Iterating over the blocks raises: `UnsupportedFork`; `InvalidBlock` for a block of a test that
    should be valid.
    """
    if isinstance(given, GivenBlock):
        yield given.name, iter((given.block,))
        return
    for test in given:
        yield test.name, (each.block for each in iter_blocks(test))


def _expected(field: Field | None) -> dict[str, int | bytes]:
    if field is None:
        return {}
    found: dict[str, int | bytes] = {}
    for name, value in field.entries():
        if name in ("gasUsed", "blobGasUsed"):
            found[name] = value.number(64)
        elif name in EXPECTED_FIELDS:
            found[name] = value.data(256 if name == "logsBloom" else 32)
        else:
            raise value.error(f"unknown: it can be {', '.join(EXPECTED_FIELDS)}")
    return found

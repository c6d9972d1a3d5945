"""Canaries for clients: tests that claim a wrong result, which only execution can tell.

A client that passes them does not execute, or does not compare. Each is a right test in which one
value of its last block is changed and everything that depends on it is made to fit: the header's
hash, the hash of the last block, and for the state also the post-state that the test gives.
"""

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from eth_hash.auto import keccak

from pel_fuzz.client.fixtures import BLOCKCHAIN_TEST, Fixture
from pel_reference.alloc_json import hex_bytes, parse_alloc
from pel_reference.block_rlp import hashed, with_header
from pel_reference.engine_test import header_of_call
from pel_reference.errors import InputError
from pel_reference.fixture_json import padded
from pel_reference.header import Header, decode_block
from pel_reference.json_input import Field
from pel_reference.roots import state_root

STATE, RECEIPTS, GAS = "state root", "receipts root", "gas used"
CLAIMS: Final = (STATE, RECEIPTS, GAS)
"""What a canary claims wrongly."""
_CLAIM_FIELDS: Final = {
    STATE: ("stateRoot", "stateRoot"),
    RECEIPTS: ("receiptTrie", "receiptsRoot"),
    GAS: ("gasUsed", "gasUsed"),
}
"""What the claim's field is called in a header and in an engine payload."""


@dataclass(frozen=True, slots=True)
class Forged:
    """A canary: a wrong test, what it claims, and the right one that it was made of."""

    name: str
    claim: str
    test: dict[str, Any]
    right: dict[str, Any]


class NotForgeable(Exception):
    """No wrong test can be made of this one: it does not end in a valid block."""


def forge(fixture: Fixture, name: str, claim: str) -> Forged:
    """A test of a file with a wrong claim.

    Raises: `NotForgeable`.
    """
    right = {key: value for key, value in fixture.tests[name].items() if key != "_info"}
    test = copy.deepcopy(right)
    try:
        root = _wrong_state(fixture, test) if claim == STATE else None
        if fixture.format == BLOCKCHAIN_TEST:
            new_hash = _forge_block(fixture, test, claim, root)
        else:
            new_hash = _forge_payload(fixture, test, claim, root)
    except (InputError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotForgeable(str(error)) from error
    test["lastblockhash"] = hex_bytes(new_hash)
    return Forged(name, claim, test, right)


def canaries(fixtures: Iterable[Fixture], most: int) -> Iterator[Forged]:
    """So many canaries, each of another claim as far as there are claims, and of another file as
    far as there are files; none, where no test of these files ends in a valid block."""
    sources = list(islice(filter(None, map(_forgeable, fixtures)), most))
    for number in range(most if sources else 0):
        fixture, name = sources[number % len(sources)]
        yield forge(fixture, name, CLAIMS[number % len(CLAIMS)])


def _forgeable(fixture: Fixture) -> tuple[Fixture, str] | None:
    """The first test of a file of which a canary can be made."""
    for name in fixture.names:
        try:
            forge(fixture, name, STATE)
        except NotForgeable:
            continue
        return fixture, name
    return None


def _wrong_state(fixture: Fixture, test: dict[str, Any]) -> bytes:
    """Change the post-state by one wei, and give its root; without accounts, some other root."""
    post = test.get("postState")
    if not post:
        wrong: bytes = keccak(bytes.fromhex(test["lastblockhash"][2:]))
        test["postStateHash"] = hex_bytes(wrong)
        return wrong
    address = max(post)
    account = post[address]
    account["balance"] = padded(int(account["balance"], 16) ^ 1)
    return state_root(parse_alloc(Field(str(fixture.path), "postState", post)))


def _with_claim(header: Header, claim: str, root: bytes | None) -> Header:
    """The header with the wrong claim, and the hash that it then has."""
    if root is not None:
        return hashed(replace(header, state_root=root))
    if claim == RECEIPTS:
        return hashed(replace(header, receipts_root=keccak(header.receipts_root)))
    change = 1 if header.gas_used < header.gas_limit else -1
    return hashed(replace(header, gas_used=header.gas_used + change))


def _claimed(header: Header, claim: str, in_payload: bool) -> str:
    """The claim as JSON has it."""
    if claim == GAS:
        return hex(header.gas_used) if in_payload else padded(header.gas_used)
    return hex_bytes(header.state_root if claim == STATE else header.receipts_root)


def _forge_block(fixture: Fixture, test: dict[str, Any], claim: str, root: bytes | None) -> bytes:
    block = test["blocks"][-1]
    encoded = bytes.fromhex(block["rlp"].removeprefix("0x"))
    header = decode_block(encoded).header
    _require_last(test, header, "expectException" not in block)
    wrong = _with_claim(header, claim, root)
    block["rlp"] = hex_bytes(with_header(encoded, wrong))
    block["blockHeader"]["hash"] = hex_bytes(wrong.hash)
    block["blockHeader"][_CLAIM_FIELDS[claim][0]] = _claimed(wrong, claim, in_payload=False)
    return wrong.hash


def _forge_payload(fixture: Fixture, test: dict[str, Any], claim: str, root: bytes | None) -> bytes:
    call = test["engineNewPayloads"][-1]
    header = header_of_call(Field(str(fixture.path), "engineNewPayloads", call))
    _require_last(test, header, not {"validationError", "errorCode"} & call.keys())
    wrong = _with_claim(header, claim, root)
    payload = call["params"][0]
    payload["blockHash"] = hex_bytes(wrong.hash)
    payload[_CLAIM_FIELDS[claim][1]] = _claimed(wrong, claim, in_payload=True)
    return wrong.hash


def _require_last(test: dict[str, Any], header: Header, is_valid: bool) -> None:
    """Whether the block is one that a client has to execute and end in."""
    if not is_valid or test["lastblockhash"].lower() != hex_bytes(header.hash):
        raise NotForgeable("it does not end in its last block")

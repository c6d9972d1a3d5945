"""Who wrote what a client has wrong: the transactions that write a location, by the fold's history.

A client's value that an earlier version of the location had tells more: what came later is lost.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from pel_fuzz.explain import place_name
from pel_reference.block import Block
from pel_reference.compare import Difference as Found
from pel_reference.locations import BALANCE, CODE, NONCE, STORAGE, WIPE
from pel_reference.transitions import EvmBlock, compile_block
from pel_spec.fold import Result, fold
from pel_spec.vocabulary import Location, Value

MOST_WRITERS: Final = 8
"""Writers of one location that are named."""
_PATH: Final = re.compile(
    r"accounts\[0x([0-9a-f]{40})\](?:\.(balance|nonce|code|storage)(?:\[0x([0-9a-f]+)\])?)?"
)
_KINDS: Final = {"balance": BALANCE, "nonce": NONCE, "code": CODE}


class _Written(NamedTuple):
    """One version of a location: who wrote it, for people, and what."""

    by: str
    value: Value


def blame(block: Block, found: Found) -> str:
    """Which transactions write the location that differs; nothing for what is no location."""
    match = _PATH.fullmatch(found.field)
    if match is None:
        return ""
    address, field, slot = bytes.fromhex(match[1]), match[2], match[3]
    compiled = compile_block(block)
    result, _ = fold(compiled)
    if field is None:
        return _about_account(compiled, result, address)
    location: Location = (
        (STORAGE, address, int(slot, 16)) if slot is not None else (_KINDS[field], address)
    )
    return _about_location(compiled, result, location, found.right)


def _about_account(block: EvmBlock, result: Result, address: bytes) -> str:
    writers = [
        _name(block, position)
        for position, effects in enumerate(result.effects)
        if any(len(location) > 1 and location[1] == address for location in effects.writes)
    ]
    if not writers:
        return "no transaction writes anything of this account"
    return f"what writes this account, in the preset order: {_listed(writers)}"


def _about_location(block: EvmBlock, result: Result, location: Location, got: object) -> str:
    name = place_name(location)
    versions = _versions(block, result, location)
    lines = [
        f"what writes {name}, in the preset order: {_listed([each.by for each in versions])}"
        if versions
        else f"nothing writes {name}"
    ]
    if location[0] == STORAGE:
        wipes = [each.by for each in _versions(block, result, (WIPE, location[1]))]
        lines += [f"wiped by {_listed(wipes)}"] if wipes else []
    if location == (BALANCE, block.facts.fee_recipient):
        lines.append("it is the fee recipient: every transaction adds its fee to it")
    else:
        lines += _stale(versions, block.initial(location), got)
    return "\n".join(lines)


def _versions(block: EvmBlock, result: Result, location: Location) -> list[_Written]:
    return [
        _Written(_name(block, position), effects.writes[location])
        for position, effects in enumerate(result.effects)
        if location in effects.writes
    ]


def _stale(versions: Sequence[_Written], initial: Value, got: object) -> list[str]:
    """What is lost, if the client's value is one that was there before."""
    for number in range(len(versions) - 2, -1, -1):
        if versions[number].value == got:
            lost = _listed([each.by for each in versions[number + 1 :]])
            left = versions[number].by
            return [f"the client has what {left} left: as if {lost} had not written"]
    if versions and initial == got:
        lost = _listed([each.by for each in versions])
        return [f"the client has what was there before the block: as if {lost} had not written"]
    return []


def _name(block: EvmBlock, position: int) -> str:
    transition = block.transitions[position]
    if transition.tx_index is None:
        return f"{transition.kind} {position}"
    return f"transaction {transition.tx_index}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > MOST_WRITERS:
        half = MOST_WRITERS // 2
        gap = f"({len(names) - 2 * half} more)"
        names = [*names[:half], gap, *names[-half:]]
    return ", ".join(names)

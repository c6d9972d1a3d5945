"""The one block that a user means by a file: of any form, a test's, or a kept case's."""

from itertools import islice

from pel_fuzz.formats.case_json import read_case
from pel_fuzz.formats.header import Format
from pel_fuzz.inputs import GivenBlock, read_input
from pel_reference.block import Block
from pel_reference.blockchain_test import ChainTest, iter_blocks
from pel_reference.errors import InputError, InvalidBlock
from pel_reference.json_input import read_json_file

_MOST_NAMED = 5


def given_block(path: str, name: str | None, number: int | None) -> tuple[str, Block]:
    """A block and what to call it. Of a file of tests `name` picks one, `number` one of the blocks
    that are valid, from 0; without it the last one is meant.

    Raises: `InputError`, `UnsupportedFork`.
    """
    if _is_case(path):
        return path, _of_case(path)
    given = read_input(path)
    if isinstance(given, GivenBlock):
        return given.name, given.block
    return _of_test(_picked(path, given, name), number)


def _is_case(path: str) -> bool:
    value = read_json_file(path).value
    return isinstance(value, dict) and value.get("pel") == Format.CASE


def _of_case(path: str) -> Block:
    subject = read_case(path).case.subject
    if not isinstance(subject, Block):
        raise InputError(path, "kind", "a block of the tiny machine, which clients do not run")
    return subject


def _picked(path: str, tests: tuple[ChainTest, ...], name: str | None) -> ChainTest:
    found = [test for test in tests if name is None or test.name == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(test.name for test in tests[:_MOST_NAMED])
    more = " and others" if len(tests) > _MOST_NAMED else ""
    problem = "holds several tests" if name is None else f"holds no test {name!r}"
    raise InputError(path, "", f"{problem}: {names}{more}")


def _of_test(test: ChainTest, number: int | None) -> tuple[str, Block]:
    last = None if number is None else number + 1
    try:
        blocks = list(islice(iter_blocks(test), last))
    except InvalidBlock as invalid:
        raise InputError(test.source, test.name, f"not valid: {invalid.reason}") from None
    if not blocks or (number is not None and number >= len(blocks)):
        raise InputError(test.source, test.name, f"has {len(blocks)} valid blocks")
    return test.name, blocks[-1].block

"""Contracts of the common header; CrossHair looks for a counterexample, as in the specification."""

from collections.abc import Callable

from pel_fuzz.formats.header import Format, FormatError, check_header, header


def only_our_version_is_read(version: int) -> bool:
    """
    post: __return__ == (version == 1)
    """
    try:
        check_header({"pel": "history", "version": version}, Format.HISTORY)
    except FormatError:
        return False
    return True


def only_our_format_is_read(kind: str) -> bool:
    """
    post: __return__ == (kind == "history")
    """
    try:
        check_header(header(Format.HISTORY) | {"pel": kind}, Format.HISTORY)
    except FormatError:
        return False
    return True


def test_no_argument_breaks_a_contract(judged_contracts: Callable[[], int]) -> None:
    assert judged_contracts() == 2

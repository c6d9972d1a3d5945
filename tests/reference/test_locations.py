"""Locations: every kind is documented, has a value when nothing is known, and can be shown."""

import pytest

from pel_reference import locations
from pel_reference.locations import render_location, render_value, short_hex, short_word

ADDRESS = bytes.fromhex("00112233445566778899aabbccddeeff00112233")


def test_every_kind_is_documented_and_has_a_default() -> None:
    assert locations.KINDS.keys() == locations.ABSENT.keys()


@pytest.mark.parametrize("kind", locations.KINDS)
def test_every_kind_is_rendered_in_words(kind: str) -> None:
    name: tuple[object, ...]
    if kind in ("fee", "gas", "blob_gas", "logs"):
        name, expected = (7,), "7"
    else:
        name, expected = (ADDRESS,), "0x0011…2233"
    if kind == "storage":
        name = (ADDRESS, 3)
    if kind == "sum":
        name, expected = ("gas", 7), "group of gas cells up to position 7"
    text = render_location((kind, *name))
    assert expected in text
    assert not text.startswith("(")


def test_slots_are_named_with_their_account() -> None:
    assert render_location(("storage", ADDRESS, 3)) == "slot 3 of 0x0011…2233"
    assert render_location(("storage", ADDRESS, 2**255)) == "slot 0x8000…0000 of 0x0011…2233"


def test_foreign_locations_are_shown_as_they_are() -> None:
    assert render_location(("x", 1)) == "('x', 1)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (b"", "none"),
        (b"\x60\x00", "0x6000"),
        (b"\x60" * 100, "0x6060…6060 (100 bytes)"),
        ((), "0 entries"),
        ("text", "'text'"),
    ],
)
def test_values_are_shown_by_their_type(value: object, text: str) -> None:
    assert render_value(value) == text


def test_short_forms_keep_what_is_short() -> None:
    assert short_hex(b"\x01\x02\x03\x04\x05") == "0x0102030405"
    assert short_word(999_999_999) == "999999999"
    assert short_word(10**9) == "0x3b9aca00"

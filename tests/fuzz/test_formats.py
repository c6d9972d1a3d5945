"""The common header: what is not known is refused, with the field and the reason."""

from typing import Any

import pytest

from pel_fuzz.formats.header import CURRENT, Format, FormatError, check_header, header


@pytest.mark.parametrize("kind", list(Format))
def test_a_header_is_read_back(kind: Format) -> None:
    document = header(kind) | {"fork": "Prague"}
    assert document["pel"] == kind
    assert check_header(document, kind) is document


def test_every_format_has_a_version() -> None:
    assert set(CURRENT) == set(Format)


REFUSED: list[tuple[Any, str, str]] = [
    (None, "", "must start with a header object"),
    ([], "", "must start with a header object"),
    ("history", "", "must start with a header object"),
    ({}, "pel", "expected 'history', got None"),
    ({"pel": "trace", "version": 1}, "pel", "got 'trace'"),
    ({"pel": ["history"], "version": 1}, "pel", "got ['history']"),
    ({"pel": "history"}, "version", "the file says None"),
    ({"pel": "history", "version": 0}, "version", "this is version 1, the file says 0"),
    ({"pel": "history", "version": 2}, "version", "the file says 2"),
    ({"pel": "history", "version": "1"}, "version", "the file says '1'"),
    ({"pel": "history", "version": True}, "version", "the file says True"),
    ({"pel": "history", "version": 1.0}, "version", "the file says 1.0"),
]


@pytest.mark.parametrize(("document", "field", "problem"), REFUSED)
def test_another_header_is_refused(document: Any, field: str, problem: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_header(document, Format.HISTORY)
    assert caught.value.field == field
    assert problem in caught.value.problem
    assert str(caught.value) == (f"{field}: " if field else "") + caught.value.problem

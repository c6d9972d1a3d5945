"""Lists of known differences: what an entry covers, until when, and what none may say."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.known import Known, KnownList, read_known
from pel_fuzz.verdict import Oracle
from pel_reference.errors import InputError

TODAY = date(2026, 11, 21)
HEADER = 'pel = "known"\nversion = 1\n'
GOOD = """
[[known]]
signature = "result:write.*:G1a"
issue = "#7"
expires = 2026-11-21
"""


def _known(signature: str, expires: date = TODAY, index: int = 0) -> Known:
    return Known(index, signature, "#7", expires)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    return tmp_path / "known.toml"


def test_a_list_is_read_with_its_comments_and_cases(listed: Path) -> None:
    listed.write_text(f'# ours\n{HEADER}{GOOD}case = "cases/7.json"  # the smallest\n')
    known = read_known(listed, TODAY)
    assert known.entries == (
        Known(0, "result:write.*:G1a", "#7", TODAY, listed.parent / "cases" / "7.json"),
    )
    assert known.place(known.entries[0]) == f"{listed}: known[0]"


def test_an_empty_list_knows_nothing(listed: Path) -> None:
    listed.write_text(HEADER)
    assert read_known(listed, TODAY).excuse("result:write.cell:G1a") is None


@pytest.mark.parametrize(
    ("pattern", "signature", "covers"),
    [
        ("result:write.cell:G1a", "result:write.cell:G1a", True),
        ("result:write.cell:G1a", "result:write.cell:G1c", False),
        ("result:write.*:*", "result:write.cell:stale read", True),
        ("result:*:-", "result:outcome:-", True),
        ("result:*:-", "reference:outcome:-", False),
        ("result:*", "result:outcome:-", False),
        ("result:write.cell:*", "result:writeXcell:-", False),
        ("result:*cell*:-", "result:write.cell:-", True),
    ],
)
def test_what_an_entry_covers(pattern: str, signature: str, covers: bool) -> None:
    assert _known(pattern).covers(signature) is covers


parts = st.text(st.sampled_from("ab.*-"), min_size=1, max_size=6)


@given(parts, parts)
def test_a_pattern_covers_itself_and_only_its_own_oracle(kind: str, anomaly: str) -> None:
    signature = f"result:{kind}:{anomaly}"
    assert _known(signature).covers(signature)
    assert not _known(signature).covers(f"history:{kind}:{anomaly}")


def test_an_entry_holds_to_the_end_of_its_day() -> None:
    for today, expired in ((TODAY, False), (date(2026, 11, 22), True)):
        known = KnownList("known.toml", (_known("result:write.cell:-"),), today)
        excuse = known.excuse("result:write.cell:-")
        assert excuse is not None and excuse.expired is expired
        assert known.excuses("result:write.cell:-") is not expired
        assert ("expired on 2026-11-21" in excuse.words) is expired


def test_an_entry_that_holds_comes_before_one_that_has_expired() -> None:
    entries = (_known("result:*:-", date(2020, 1, 1)), _known("result:write.cell:-", index=1))
    excuse = KnownList("", entries, TODAY).excuse("result:write.cell:-")
    assert excuse is not None and (excuse.entry.index, excuse.expired) == (1, False)


REFUSED = [
    ("not TOML", "[[known]", ""),
    ("not TOML", "a = " + "[" * 3000, ""),
    ("expected 'known', got None", "version = 1", "pel"),
    ("the file says 2", 'pel = "known"\nversion = 2', "version"),
    ("unknown field", HEADER + "knwon = []", "knwon"),
    ("must be tables", HEADER + 'known = "all"', "known"),
    ("must be a table", HEADER + "known = [1]", "known[0]"),
    ("unknown field", HEADER + GOOD + "until = 1", "known[0].until"),
    ("must be a text", HEADER + GOOD.replace('"#7"', "7"), "known[0].issue"),
    ("must be a text", HEADER + GOOD.replace('"#7"', '" "'), "known[0].issue"),
    ("must be a text", HEADER + GOOD + "case = 1", "known[0].case"),
    ("without quotes", HEADER + GOOD.replace("2026-11-21", '"2026-11-21"'), "known[0].expires"),
    ("must be a day", HEADER + GOOD.replace("21\n", "21T10:00:00\n"), "known[0].expires"),
    ("must be a day", HEADER + GOOD.replace("expires = 2026-11-21\n", ""), "known[0].expires"),
]


@pytest.mark.parametrize(("problem", "text", "field"), REFUSED)
def test_a_bad_list_is_one_clear_line(problem: str, text: str, field: str, listed: Path) -> None:
    listed.write_text(text)
    with pytest.raises(InputError) as caught:
        read_known(listed, TODAY)
    assert (caught.value.source, caught.value.field) == (str(listed), field)
    assert problem in caught.value.problem and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        ("result:write.cell", "must be oracle:kind:anomaly"),
        ("result::-", "must be oracle:kind:anomaly"),
        ("*:*:*", "the oracle must be one of"),
        ("res*:write.cell:-", "the oracle must be one of"),
        ("client:timeout:-", "no difference"),
        ("fault:*:-", "in full"),
        ("answer:*:-", "the kind cannot be * alone"),
        ("conformance:**:*", "the kind cannot be * alone"),
        ("fault:crash:*", "in full"),
        ("liveness:*:-", "in full"),
        ("result:*****:-", "more than"),
    ],
)
def test_what_no_entry_may_name(signature: str, problem: str, listed: Path) -> None:
    listed.write_text(HEADER + GOOD.replace("result:write.*:G1a", signature))
    with pytest.raises(InputError) as caught:
        read_known(listed, TODAY)
    assert caught.value.field == "known[0].signature" and problem in caught.value.problem


@pytest.mark.parametrize("oracle", [o for o in Oracle if o is not Oracle.CLIENT])
def test_every_other_oracle_can_be_named_in_full(oracle: Oracle, listed: Path) -> None:
    listed.write_text(HEADER + GOOD.replace("result:write.*:G1a", f"{oracle}:crash:-"))
    assert read_known(listed, TODAY).excuses(f"{oracle}:crash:-")


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_bytes(b"#" * ((1 << 20) + 1))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name in ("missing.toml", "large.toml", "bytes.toml", "."):
        with pytest.raises(InputError) as caught:
            read_known(tmp_path / name, TODAY)
        assert caught.value.source == str(tmp_path / name)

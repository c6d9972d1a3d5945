"""Verdicts are read in the shapes that clients print; their kinds do not depend on the block."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pel_fuzz.client.fixtures.verdicts import (
    UNSUPPORTED,
    Verdict,
    kind_of,
    printable,
    read_verdicts,
)

GETH = [
    {"name": "a", "pass": True, "stateRoot": "0x12", "fork": "Prague"},
    {"name": "b", "pass": False, "fork": "Prague", "error": "block #1 insertion into chain failed"},
]
NETHERMIND = [{"Name": "a", "Pass": False, "Fork": "Cancun", "LoadFailure": "no such fork"}]
GETH_HUMAN = (
    "[\x1b[32mPASS\x1b[0m] a\n"
    "[\x1b[31mFAIL\x1b[0m] b, err=invalid merkle root (remote: 1 local: 2), fork=Prague\n"
    "--\n1 tests passed, 1 tests failed.\n"
)
BESU = (
    "Considering a\nBlock 1 (0x12) Imported\nChain import successful - a\n"
    "Considering b\nBlock 1 (0x34) Failed to import\n"
    "Chain header mismatch, have 0x12 want 0x34 - b\n"
)
COLUMNS = "a                       PASS\nb (some fork)           FAIL\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (json.dumps(GETH, indent=2), [Verdict("a", True), Verdict("b", False, GETH[1]["error"])]),
        ("INFO starts\n" + json.dumps(GETH) + "\nINFO ends [1]\n", None),
        ("block (index 0) insertion should have failed:\n{}\n" + json.dumps(GETH, indent=2), None),
        (json.dumps(NETHERMIND), [Verdict("a", False, "no such fork")]),
        (
            GETH_HUMAN,
            [Verdict("a", True), Verdict("b", False, "invalid merkle root (remote: 1 local: 2)")],
        ),
        (BESU, [Verdict("a", True), Verdict("b", False, "Chain header mismatch")]),
        (COLUMNS, [Verdict("a", True), Verdict("b (some fork)", False)]),
        ("[]", []),
        ("", []),
        ("all good", []),
        ("[1, 2]", []),
        ('[{"name": "a", "pass": "yes"}]', []),
        ('[{"name": "a"', []),
        ("[" * 100_000, []),
        ('{"a": true}', []),
    ],
)
def test_what_clients_print_is_read(output: str, expected: list[Verdict] | None) -> None:
    geth = [Verdict("a", True), Verdict("b", False, str(GETH[1]["error"]))]
    assert read_verdicts(output.encode()) == (geth if expected is None else expected)


@pytest.mark.parametrize(
    "output", ["\n" * 300_000, "a" + " " * 300_000 + "b", "[PASS] a" + ", err=" * 300_000]
)
def test_long_output_is_read_in_one_go(output: str) -> None:
    # What looks back at every character needs minutes here, and hours for all that may be written.
    assert len(read_verdicts(output.encode())) == output.startswith("[PASS]")


@given(st.text(st.sampled_from("a ,=x"), min_size=1).map(str.strip).filter(bool))
def test_lines_are_read_as_their_shapes_say(name: str) -> None:
    fork = ", fork=Prague"
    assert read_verdicts(f"[FAIL] {name}, err=why{fork}".encode()) == [
        Verdict(name.partition(", err=")[0], False, "why")
    ]
    assert read_verdicts(f"{name}\t PASS".encode()) == [Verdict(name, True)]


@given(st.binary(max_size=300))
def test_no_output_breaks_the_reader(output: bytes) -> None:
    assert isinstance(read_verdicts(output), list)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("block #1 insertion into chain failed: invalid merkle root (remote: 1 local: 2)", None),
        ("invalid gas used (remote: 2639360 local: 2205802)", "gas-used"),
        ("invalid receipt root hash (remote: 0x12 local: 0x34)", "receipts-root"),
        ("post state validation failed: account balance mismatch for addr: 0x12", "post-state"),
        ('unsupported fork "Osaka"', UNSUPPORTED),
        ("last block hash validation mismatch: want: 12, have: 34", "last-hash"),
        ("genesis block hash doesn't match test: computed=12, test=34", "genesis"),
        ("panic: runtime error: index out of range [5]", "crash"),
        ("HeaderBlobGasMismatch: Blob gas in header does not match calculated", "blob-gas"),
        ("something 0x1234 quite new 77", "something-quite-new"),
        ("", "no-reason"),
    ],
)
def test_messages_have_kinds(message: str, kind: str | None) -> None:
    assert kind_of(message) == (kind or "state-root")


@given(st.integers(0, 2**256), st.integers(0, 10**9), st.sampled_from(("root", "new thing")))
def test_kinds_do_not_depend_on_the_block(word: int, number: int, what: str) -> None:
    one = f"block #{number}: strange {what}: have {word:#x}, want {number}"
    assert kind_of(one) == kind_of(f"block #1: strange {what}: have 0x12, want 34")


@given(st.text())
def test_nothing_that_a_client_writes_drives_the_terminal(text: str) -> None:
    assert all(char.isprintable() or char in "\n\t" for char in printable(text))
    assert printable("a\x1b[2Jb\r\n" + "x" * 10_000).startswith("a\ufffd[2Jb\ufffd\nx")
    assert len(printable("x" * 10_000)) < 3_000


@given(st.text())
def test_kinds_are_short_whatever_the_message(text: str) -> None:
    assert 0 < len(kind_of(text)) < 200

"""What spec/README.md says of the proof is so: the trusted base as counted, commands that are."""

import re
from pathlib import Path

from pel_fuzz.cli.app import app
from pel_proof.suite import FAMILIES
from trusted_base import table

ROOT = Path(__file__).parents[2]
README = (ROOT / "spec" / "README.md").read_text(encoding="utf-8")
CLAIMS = README.partition("## Claims")[2].partition("## Glossary")[0]
ROWS = [line.split("|")[1:-1] for line in CLAIMS.splitlines() if line.startswith("| ")][1:]


def test_the_trusted_base_is_as_counted() -> None:
    assert table() in README, "run `python tools/trusted_base.py`"


def test_each_claim_is_whole() -> None:
    assert len(ROWS) >= 15
    assert all(cell.strip() for row in ROWS for cell in row)


def test_each_command_exists() -> None:
    """Options too; files that tests and benchmarks are in."""
    commands = [command for row in ROWS for command in re.findall(r"`([^`]+)`", row[2])]
    assert len(commands) >= len(ROWS)
    for command in commands:
        program, *words = command.split()
        if program == "pel":
            found = app.commands[words[0]]
            known = {name for option in found.params for name in option.opts}
            assert {word for word in words if word.startswith("--")} <= known, command
        else:
            assert program in ("pytest", "python"), command
            assert (ROOT / words[0]).exists(), command


def test_each_family_is_named() -> None:
    safety = {"abstract", "invariants", "refinement", "theorem"}
    assert safety <= FAMILIES.keys()
    for family in safety:
        assert f"`{family}`" in README

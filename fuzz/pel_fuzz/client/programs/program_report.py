"""What a campaign of key-value programs did and found, and the files in which that is kept."""

import shlex
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pel_fuzz.client.programs.programs import Examined, ProgramsPlan, RanBlock
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.programs_json import encode_programs
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.verdict import Difference, Oracle
from pel_reference.errors import InputError

LONGEST_NAME: Final = 150
"""Characters of a file's name."""


@dataclass(frozen=True, slots=True)
class KeptBlock:
    """One kept finding: its difference, its smallest file so far, and how to run that again."""

    difference: Difference
    path: Path
    as_found: Path
    size: str
    replay: str


@dataclass(slots=True)
class ProgramsReport:
    """Counts, and findings by signature. `unfit` says why the executor can be asked nothing."""

    plan: ProgramsPlan
    blocks: int = 0
    programs: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    unfit: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    kept: dict[str, KeptBlock] = field(default_factory=dict)
    oracles: set[Oracle] = field(default_factory=set)
    next_index: int = 0

    def __post_init__(self) -> None:
        self.next_index = self.plan.start

    def add(self, ran: RanBlock) -> Difference | None:
        """Count one block. Result: its difference, if its signature is new."""
        self.blocks += 1
        self.programs += len(ran.drawn.value.programs)
        self.next_index = ran.index + self.plan.of
        difference = ran.examined.difference
        if difference is None:
            return None
        self.oracles.add(difference.oracle)
        self.counts[difference.signature] += 1
        return difference if self.counts[difference.signature] == 1 else None

    def exit_code(self) -> tuple[ExitCode, str]:
        """The verdict, and the sentence that says why."""
        if self.interrupted:
            return ExitCode.INTERRUPTED, f"interrupted after {self.blocks} blocks"
        if self.unfit is not None:
            return ExitCode.BAD_INPUT, f"it fails on an empty block too: {self.unfit}"
        if self.oracles - {Oracle.CLIENT}:
            return ExitCode.DIFFER, f"{len(self.counts)} kind(s) of finding"
        if self.oracles:
            return ExitCode.INCONCLUSIVE, "it gave no verdict: " + ", ".join(sorted(self.counts))
        if not self.blocks:
            return ExitCode.INCONCLUSIVE, "no block was run"
        return ExitCode.AGREE, "no difference"

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        code, why = self.exit_code()
        return {
            "verdict": code.name.lower(),
            "why": why,
            "seed": self.plan.seed,
            "command": self.plan.executor.command,
            "blocks": self.blocks,
            "programs": self.programs,
            "runs_a_block": self.plan.runs,
            "next_index": self.next_index,
            "findings": [
                kept.difference.to_json()
                | {
                    "blocks": self.counts[signature],
                    "case": str(kept.path),
                    "as_found": str(kept.as_found),
                    "replay": kept.replay,
                }
                for signature, kept in self.kept.items()
            ],
        }


def command_line(plan: ProgramsPlan) -> str:
    """The command that asks this executor."""
    runs = f" --runs {plan.runs}" if plan.runs > 1 else ""
    return f"pel client programs --command {shlex.quote(plan.executor.command)}{runs}"


def write_finding(
    folder: Path, plan: ProgramsPlan, index: int, block: TinyBlock, found: Examined, stage: str
) -> Path:
    """Keep a block with what the executor showed on it.

    Raises: `InputError`, where nothing can be written there.
    """
    assert found.difference is not None, "what agrees is not kept"
    slug = f"programs-{plan.seed}-{index}-{found.difference.signature}"[:LONGEST_NAME]
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in f"{slug}-{stage}")
    path = folder / f"{safe}.json"
    write(path, encode_programs(block, (plan.seed, index), found.difference, found.errors))
    return path


def write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises: `InputError`.
    """
    draft = path.with_suffix(".tmp")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        raise InputError(str(path), "", f"cannot be written: {error.strerror}") from None


def size_of(block: TinyBlock) -> str:
    """How small a block is, for people."""
    instructions = sum(map(len, block.programs))
    return f"{len(block.programs)} program(s), {instructions} instruction(s)"

"""What a campaign of key-value programs did and found, and the files in which that is kept."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pel_fuzz.client.programs.programs import Examined, ProgramsPlan, RanBlock
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.programs_json import encode_programs
from pel_fuzz.regressions import Regressions
from pel_fuzz.report import Group, head_to_json
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
    """Counts, and findings by signature. What is known beforehand is in `regressions`, and passes;
    `flags` are options beside those of the plan, to be repeated.

    `blocks` counts those that were run, `answered` those with a result to compare. `unfit` says why
    the executor can be asked nothing.
    """

    plan: ProgramsPlan
    regressions: Regressions = field(default_factory=Regressions)
    flags: str = ""
    blocks: int = 0
    answered: int = 0
    programs: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    unfit: str | None = None
    differences: dict[str, Group] = field(default_factory=dict)
    kept: dict[str, KeptBlock] = field(default_factory=dict)
    next_index: int = 0

    def __post_init__(self) -> None:
        self.next_index = self.plan.start

    def add(self, ran: RanBlock) -> Difference | None:
        """Count one block. Result: its difference, if its signature is new and not known."""
        self.blocks += 1
        self.answered += ran.examined.answers > 0
        self.programs += len(ran.drawn.value.programs)
        self.next_index = ran.index + self.plan.of
        fresh = None
        for difference in ran.examined.differences:
            group = self.differences.get(difference.signature)
            if group is None:
                excuse = self.regressions.excuse(difference)
                group = self.differences[difference.signature] = Group(
                    ran.index, difference, excuse
                )
                fresh = fresh if group.is_known else difference
            group.cases += 1
        return fresh

    @property
    def total(self) -> int:
        """Blocks that were drawn and run."""
        return self.blocks

    @property
    def unknown(self) -> set[str]:
        """The signatures of verdicts that nothing excuses."""
        return {
            signature
            for signature, group in self.differences.items()
            if not group.is_known and group.difference.oracle is not Oracle.CLIENT
        }

    def exit_code(self) -> tuple[ExitCode, str]:
        """The verdict, and the sentence that says why."""
        if self.interrupted:
            return ExitCode.INTERRUPTED, f"interrupted after {self.blocks} blocks"
        code, why = self.regressions.verdict(self.unknown, self._own_verdict())
        if self.unfit is not None and code is not ExitCode.DIFFER:
            return ExitCode.BAD_INPUT, unfit_words(self.unfit)
        return code, why

    def _own_verdict(self) -> tuple[ExitCode, str]:
        """The verdict of the drawn blocks alone, but for what differs in them."""
        silent = {
            group.difference.kind: group.cases
            for group in self.differences.values()
            if group.difference.oracle is Oracle.CLIENT
        }
        if not self.blocks and self.plan.max_cases == 0 and self.regressions.replayed:
            return ExitCode.AGREE, "no difference in the corpus"
        if not self.blocks:
            return ExitCode.INCONCLUSIVE, "no block was run"
        if silent:
            told = ", ".join(f"{kind} {count}" for kind, count in sorted(silent.items()))
            return ExitCode.INCONCLUSIVE, f"no verdict on {sum(silent.values())} block(s): {told}"
        if not self.answered:
            return ExitCode.INCONCLUSIVE, "the executor gave no result that can be compared"
        return ExitCode.AGREE, "no difference"

    @property
    def repeat_command(self) -> str:
        """What runs the same again: as many blocks as there were, whatever time they took."""
        start = f" --start {self.plan.start}" if self.plan.start else ""
        least = 0 if self.plan.max_cases == 0 or self.regressions.replayed else 1
        return f"{self._command}{start} --cases {max(self.blocks, least)}"

    @property
    def resume_command(self) -> str:
        """What goes on with the block after the last one."""
        return f"{self._command} --start {self.next_index}"

    @property
    def _command(self) -> str:
        plan = self.plan
        shard = f" --shard {plan.shard + 1}/{plan.of}" if plan.of > 1 else ""
        small = " --small" if plan.small else ""
        return f"{command_line(plan)} --seed {plan.seed}{small}{shard}{self.flags}"

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        again = self.repeat_command, self.resume_command
        return {
            **head_to_json(self.plan, self.exit_code(), self.next_index, *again),
            "command": self.plan.executor.command,
            "blocks": self.blocks,
            "answered": self.answered,
            "programs": self.programs,
            "runs_a_block": self.plan.runs,
            "findings": [
                kept.difference.to_json()
                | {
                    "blocks": self.differences[signature].cases,
                    "case": str(kept.path),
                    "as_found": str(kept.as_found),
                    "replay": kept.replay,
                }
                for signature, kept in self.kept.items()
            ],
            "differences": [group.to_json() for group in self.differences.values()],
        } | self.regressions.to_json()


def unfit_words(problem: str) -> str:
    """What is said of an executor that can be asked nothing."""
    return f"the executor fails on an empty block, too: {problem}"


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

"""Found cases of a client: on disk before anything else is done with them, then shrunk, then told.

A case file of this lane says beside the block how the client was asked and what it wrote on its
standard error. `pel client check --replay FILE` asks a client for the block again.
"""

import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pel_fuzz.cases import Case
from pel_fuzz.client.checking.campaign import CheckedCase, CheckPlan
from pel_fuzz.client.checking.report import client_command
from pel_fuzz.client.checking.shrinking import Shrinker, Smaller
from pel_fuzz.findings import folder_for_findings
from pel_fuzz.formats.case_json import write_case
from pel_fuzz.verdict import Difference, Oracle
from pel_reference.block import Block
from pel_reference.errors import InputError

SHRINK_SECONDS: Final = 60.0
"""How long one finding may be shrunk."""


@dataclass(frozen=True, slots=True)
class KeptCase:
    """One kept finding: the smallest difference and file so far, and how to replay it."""

    index: int
    difference: Difference
    path: Path
    as_found: Path
    replay: str
    told: str

    def to_json(self) -> dict[str, Any]:
        """The finding as `--json` prints it."""
        return {
            "index": self.index,
            "difference": self.difference.to_json(),
            "case": str(self.path),
            "as_found": str(self.as_found),
            "replay": self.replay,
        }


class ClientFindings:
    """Keeps the findings of one campaign in a folder, which is made at once. Each is shrunk for
    `shrink_seconds` at most, and none after `deadline`, by the monotonic clock.

    Raises: `InputError`, where nothing can be written there.
    """

    def __init__(
        self,
        folder: Path,
        plan: CheckPlan,
        shrink_seconds: float | None = None,
        deadline: float | None = None,
    ) -> None:
        self.folder, self.plan, self._deadline = folder, plan, deadline
        self._seconds = SHRINK_SECONDS if shrink_seconds is None else shrink_seconds
        self.kept: list[KeptCase] = []
        folder_for_findings(folder)

    def keep(self, case: CheckedCase, difference: Difference) -> KeptCase:
        """Write a case down as it was found."""
        block, errors = case.block.block, case.examined.errors
        path = self._write(case.index, block, difference, errors, "found")
        told = f"kept as it was found: {_size(block)}"
        kept = KeptCase(case.index, difference, path, path, self._replay(path), told)
        self.kept.append(kept)
        return kept

    def shrink(self, kept: KeptCase, case: CheckedCase) -> KeptCase:
        """Make a kept case small, with a client of its own. What is no verdict stays as it is.

        An interruption leaves it as it was found.
        """
        seconds = self._seconds
        if self._deadline is not None:
            seconds = min(seconds, self._deadline - time.monotonic())
        if kept.difference.oracle is Oracle.CLIENT or seconds <= 0:
            return kept
        with self.plan.client.make() as client:
            shrinker = Shrinker(client, kept.difference.signature, seconds)
            small = shrinker.shrink(self.plan, case.block)
        smaller = self._smaller(kept, small)
        self.kept[self.kept.index(kept)] = smaller
        return smaller

    def _smaller(self, kept: KeptCase, small: Smaller) -> KeptCase:
        if small.examined is None or small.examined.difference is None:
            told = f"not seen again in {small.tries} tries: kept as it was found"
            return replace(kept, told=told)
        difference, errors = small.examined.difference, small.examined.errors
        path = self._write(kept.index, small.block, difference, errors, "small")
        again = f", seen again at try {small.tries} only" if small.tries > 1 else ""
        told = f"shrunk to {_size(small.block)}{again}"
        replay = self._replay(path)
        return replace(kept, difference=difference, path=path, replay=replay, told=told)

    def to_json(self) -> list[dict[str, Any]]:
        """What was kept, as `--json` prints it."""
        return [kept.to_json() for kept in self.kept]

    def _write(
        self, index: int, block: Block, difference: Difference, errors: str, stage: str
    ) -> Path:
        plan = self.plan
        parts = [str(plan.seed), str(index), plan.fork, difference.signature, stage]
        slug = "-".join(part for part in parts if part is not None)
        safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in slug)
        path = self.folder / f"{safe}.json"
        case = Case(
            subject=block,
            kind="evm",
            workers=1,
            interleavings=(),
            client=True,
            origin=(plan.seed, index),
            drawn_fork=plan.fork,
        )
        client = {"way": plan.client.way, "command": plan.client.text, "errors": errors}
        try:
            write_case(path, case, difference, None, client)
        except OSError as error:
            raise InputError(str(path), "", f"cannot be written: {error.strerror}") from None
        return path

    def _replay(self, path: Path) -> str:
        return f"{client_command(self.plan)} --replay {shlex.quote(str(path))}"


def _size(block: Block) -> str:
    return f"{len(block.transactions)} transaction(s), {len(block.alloc)} account(s)"

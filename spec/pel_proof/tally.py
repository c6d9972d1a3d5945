"""What came out of a proof, summed up by family and by what the obligations are about."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pel_proof.solve import UNCHANGED, Verdict


@dataclass(slots=True)
class Row:
    """The obligations about one invariant or lemma: of `total`, `unchanged` ones speak of nothing
    that their step touches."""

    family: str
    about: str
    total: int = 0
    unchanged: int = 0
    failed: int = 0
    seconds: float = 0.0
    slowest: tuple[float, str] = (0.0, "")

    def add(self, verdict: Verdict) -> None:
        """Count one more."""
        self.total += 1
        self.unchanged += verdict.reason == UNCHANGED
        self.failed += not verdict.proved
        self.seconds += verdict.seconds
        self.slowest = max(self.slowest, (verdict.seconds, verdict.obligation.step))

    def to_json(self) -> dict[str, Any]:
        """The row as `--json` prints it."""
        return {
            "family": self.family,
            "about": self.about,
            "obligations": self.total,
            "unchanged": self.unchanged,
            "failed": self.failed,
            "seconds": round(self.seconds, 3),
            "slowest": {"step": self.slowest[1], "seconds": round(self.slowest[0], 3)},
        }


@dataclass(slots=True)
class Tally:
    """All rows, and the verdicts that are not proofs."""

    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    failures: list[Verdict] = field(default_factory=list)

    @classmethod
    def of(cls, verdicts: Iterable[Verdict]) -> "Tally":
        """Count them all."""
        tally = cls()
        for verdict in verdicts:
            tally.add(verdict)
        return tally

    def add(self, verdict: Verdict) -> None:
        """Count one more. Refinement has a row for each of the abstract machine's fields, and one
        for what its actions demand."""
        family, about = verdict.obligation.family, verdict.obligation.about.split(".")[0]
        self.rows.setdefault((family, about), Row(family, about)).add(verdict)
        if not verdict.proved:
            self.failures.append(verdict)

    @property
    def total(self) -> int:
        """How many obligations there were."""
        return sum(row.total for row in self.rows.values())

    @property
    def holds(self) -> bool:
        """Was there something to prove, and is all of it proved?"""
        return self.total > 0 and not self.failures

"""What a campaign has covered, and what it has not, for the terminal and for JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pel_fuzz.coverage.antecedents import antecedents
from pel_fuzz.coverage.case import CaseCoverage
from pel_fuzz.coverage.impossible import IMPOSSIBLE
from pel_fuzz.coverage.pairs import ACTIONS, POSSIBLE, Pair

REACHABLE: Final = tuple(each.name for each in antecedents() if not each.rolling)
"""The antecedents that are no rolling commit's."""

MOST_LISTED = 6
"""Of what was not reached, so many are listed on a terminal."""


@dataclass(slots=True)
class CampaignCoverage:
    """Adds up cases. Of actions, pairs and antecedents, in how many cases each was reached."""

    runs: int = 0
    traces: int = 0
    once: int = 0
    looked_at: int = 0
    actions: Counter[str] = field(default_factory=Counter)
    pairs: Counter[Pair] = field(default_factory=Counter)
    antecedents: Counter[str] = field(default_factory=Counter)

    def add(self, case: CaseCoverage) -> None:
        """Count one case."""
        self.runs += case.runs
        self.traces += case.traces
        self.once += case.once
        self.looked_at += case.looked_at
        self.actions.update(case.actions)
        self.pairs.update(case.pairs)
        self.antecedents.update(case.antecedents)

    @property
    def unseen_share(self) -> float:
        """Good and Turing's estimate of how likely one more run of a case is to show a trace that
        its runs have not shown: the share of the runs whose trace was seen exactly once."""
        return self.once / self.runs if self.runs else 1.0

    @property
    def missing_actions(self) -> list[str]:
        """Actions of the executor that no run has taken."""
        return [action for action in ACTIONS if not self.actions[action]]

    @property
    def missing_pairs(self) -> list[Pair]:
        """Pairs that have not met, of those that are not proved impossible."""
        return [pair for pair in POSSIBLE if not self.pairs[pair]]

    @property
    def impossible_pairs(self) -> list[Pair]:
        """Pairs that have met although they are proved impossible: the executor does something
        else than the text."""
        return sorted(pair for pair in self.pairs if pair in IMPOSSIBLE)

    @property
    def missing_antecedents(self) -> list[str]:
        """Antecedents that our executor can reach, as far as is known, and has not in any state
        that was looked at."""
        return [name for name in REACHABLE if not self.antecedents[name]]

    def lines(self) -> list[tuple[str, str]]:
        """What was covered, a line each with its name."""
        chance = f"; one more run of a case shows a new one in about {self.unseen_share:.0%}"
        counted = f"{self.runs} runs, {self.traces} distinct up to commutation"
        traces = counted + (chance if self.runs else "")
        pairs = _told(len(POSSIBLE), [str(pair) for pair in self.missing_pairs])
        if self.impossible_pairs:
            pairs += f"; against the proof: {', '.join(map(str, self.impossible_pairs))}"
        told = [
            ("traces", traces),
            ("actions", _told(len(ACTIONS), self.missing_actions)),
            ("pairs", pairs),
        ]
        states = _told(len(REACHABLE), self.missing_antecedents)
        runs = f"{self.looked_at} run{'s' * (self.looked_at != 1)}"
        asked = f"{states}; asked in the states of {runs}"
        return [*told, ("antecedents", asked if self.looked_at else "asked in no run")]

    def to_json(self) -> dict[str, Any]:
        """Everything, with the number of cases that reached it."""
        return {
            "runs": self.runs,
            "traces": self.traces,
            "seen_once": self.once,
            "unseen_share": round(self.unseen_share, 4),
            "actions": _counts(ACTIONS, self.actions),
            "missing_actions": self.missing_actions,
            "pairs": {str(pair): count for pair, count in sorted(self.pairs.items())},
            "missing_pairs": [str(pair) for pair in self.missing_pairs],
            "impossible_pairs": [str(pair) for pair in self.impossible_pairs],
            "looked_at": self.looked_at,
            "antecedents": _counts(REACHABLE, self.antecedents),
            "missing_antecedents": self.missing_antecedents,
        }


def _told(total: int, missing: Sequence[str]) -> str:
    words = f"{total - len(missing)} of {total}"
    if not missing:
        return words
    more = len(missing) - MOST_LISTED
    listed = ", ".join(missing[:MOST_LISTED])
    return f"{words}; not reached: {listed}" + (f" and {more} more (--json)" if more > 0 else "")


def _counts(names: Iterable[str], counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in names if counts[name]}

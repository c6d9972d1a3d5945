"""What a run knew beforehand, and what became of it: its corpus and its list of known differences.

An entry of the list that names a case is held to it: while the case shows the difference the entry
stands, and once it does not the run fails, so that lists do not rot. An entry without a case can
only be noted as not seen: that a run did not come across a difference does not say that it is gone.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pel_fuzz.corpus import CorpusCase, Replayed
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.known import Excuse, Known, KnownList
from pel_fuzz.verdict import Difference

Kept = TypeVar("Kept")
Verdict = tuple[ExitCode, str]


@dataclass(slots=True)
class Regressions:
    """The corpus as replayed, the known list, and by entry's index the replay of its case. `seen`
    are the entries whose difference occurred; `left_out` the files that time did not allow;
    `folder` is where the corpus is, if one was asked for, and `files` are in it."""

    known: KnownList = field(default_factory=KnownList)
    corpus: list[Replayed] = field(default_factory=list)
    checked: dict[int, Replayed] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    folder: str = ""
    files: int = 0

    def excuse(self, difference: Difference) -> Excuse | None:
        """What the list says of a difference, which is noted as seen."""
        excuse = self.known.excuse(difference.signature)
        if excuse is not None:
            self.seen.add(excuse.entry.index)
        return excuse

    @property
    def replayed(self) -> list[Replayed]:
        """Every case file that was replayed, each once: the corpus, then those of entries."""
        by_path = {each.path: each for each in (*self.corpus, *self.checked.values())}
        return list(by_path.values())

    def replay(
        self,
        corpus: Sequence[CorpusCase[Kept]],
        entries: Iterable[tuple[Known, CorpusCase[Kept]]],
        replay: Callable[[CorpusCase[Kept]], Replayed],
        deadline: float | None = None,
        told: Callable[[Replayed], None] = lambda _: None,
    ) -> None:
        """Replay the corpus, then the cases of entries that are not in it, until the deadline (of
        the monotonic clock); each is `told`."""
        done: dict[Path, Replayed] = {}
        self.files = len(corpus)

        def once(case: CorpusCase[Kept]) -> Replayed | None:
            at = case.path.resolve()
            if at not in done:
                if deadline is not None and time.monotonic() >= deadline:
                    self.left_out.append(case.name)
                    return None
                done[at] = replay(case)
                for difference in done[at].differences:
                    self.excuse(difference)
                told(done[at])
            return done[at]

        for case in corpus:
            found = once(case)
            if found is not None:
                self.corpus.append(found)
        for entry, case in entries:
            found = once(case)
            if found is not None:
                self.checked[entry.index] = found

    def reproduced(self, entry: Known) -> bool | None:
        """Whether an entry's case still shows its difference; `None` where that is not known: there
        is no case, or it was not run exactly as it was recorded."""
        replayed = self.checked.get(entry.index)
        if replayed is None:
            return None
        if any(entry.covers(each.signature) for each in replayed.differences):
            return True
        return None if replayed.note is not None or not replayed.compared else False

    def undecided(self, entry: Known, replayed: Replayed) -> str:
        """Why nobody can tell whether an entry still stands, and what to do."""
        what = "take the entry out, or keep its case anew"
        return (
            f"{self.known.place(entry)}: its difference was not seen, but {replayed.note}: {what}"
        )

    @property
    def unknown(self) -> set[str]:
        """Signatures of differences of case files that nothing excuses."""
        return {d.signature for each in self.replayed for d in each.unknown(self.known)}

    @property
    def _seen_entries(self) -> list[Known]:
        return [entry for entry in self.known.entries if entry.index in self.seen]

    def verdict(self, found: set[str], otherwise: Verdict) -> Verdict:
        """The verdict of a run with the unknown signatures `found` in what it drew, and of what was
        known beforehand; `otherwise` is that of the drawn part alone."""
        if otherwise[0] is ExitCode.INTERRUPTED:
            return otherwise
        unknown = found | self.unknown
        known = sum(entry.expires >= self.known.today for entry in self._seen_entries)
        told_known = f", besides {known} known" if known else ""
        if unknown:
            return ExitCode.DIFFER, f"{len(unknown)} kind(s) of difference{told_known}"
        for entry in self.known.entries:
            if self.reproduced(entry) is False:
                what = f"{self.known.place(entry)}: no longer reproduces: take the entry out"
                return ExitCode.BAD_INPUT, f"{what} ({entry.issue})"
        if self.left_out:
            why = f"out of time: {len(self.left_out)} case file(s) were not replayed"
            return ExitCode.INCONCLUSIVE, why
        undecided = next((each for each in self.replayed if not each.compared), None)
        if undecided is not None:
            return ExitCode.INCONCLUSIVE, f"{undecided.name}: {undecided.note}"
        for entry in self.known.entries:
            replayed = self.checked.get(entry.index)
            if replayed is not None and self.reproduced(entry) is None:
                return ExitCode.INCONCLUSIVE, self.undecided(entry, replayed)
        code, why = otherwise
        return code, why + told_known

    def to_json(self) -> dict[str, Any]:
        """What the report says of them."""
        return {
            "corpus": {
                "files": [
                    {
                        "file": each.name,
                        "verdict": each.verdict(self.known),
                        "note": each.note,
                        "differences": [self._told(d) for d in each.differences],
                    }
                    for each in self.corpus
                ],
                "left_out": self.left_out,
            },
            "known": [
                {
                    "signature": entry.signature,
                    "issue": entry.issue,
                    "expires": entry.expires.isoformat(),
                    "expired": entry.expires < self.known.today,
                    "seen": entry.index in self.seen,
                    "reproduced": self.reproduced(entry),
                }
                for entry in self.known.entries
            ],
        }

    def _told(self, difference: Difference) -> dict[str, Any]:
        excuse = self.known.excuse(difference.signature)
        return difference.to_json() | {"known": None if excuse is None else excuse.to_json()}

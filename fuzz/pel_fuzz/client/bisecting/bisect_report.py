"""What a bisection comes to: which transaction matters, how sure that is, and the exit code."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pel_fuzz.client.bisecting.bisect import Bisection
from pel_fuzz.client.bisecting.describing import Described
from pel_fuzz.client.fixtures.consume_report import difference_of
from pel_fuzz.client.fixtures.fixture_run import Said, Told
from pel_fuzz.exit_codes import ExitCode

_MONOTONE: Final = {
    True: "monotone: every longer prefix fails too",
    False: "NOT monotone: longer prefixes pass",
    None: "no prefix that was run says that it is not monotone",
}


@dataclass(frozen=True, slots=True)
class BisectReport:
    """A bisection, the transaction that it names, and the runs that say whether to believe it.

    `canary` is what was told of the whole block with a wrong state, asked where it passes;
    `control` of a block in which nothing happens, asked where every prefix fails.
    """

    name: str
    found: Bisection
    culprit: Described | None
    canary: Told | None = None
    control: Told | None = None

    def exit_code(self) -> tuple[ExitCode, str]:
        """The verdict, and the sentence that says why."""
        found = self.found
        if found.interrupted:
            return ExitCode.INTERRUPTED, f"interrupted after {len(found.told)} prefixes"
        whole = found.told[found.size]
        if whole.said is Said.NOTHING:
            return ExitCode.INCONCLUSIVE, f"no verdict on the whole block: {whole.message}"
        if whole.said is Said.PASS:
            return self._passed()
        if not found.those(Said.PASS) and (
            self.control is None or self.control.said is not Said.PASS
        ):
            return ExitCode.INCONCLUSIVE, "nothing passes, not even an empty block"
        if found.first == 0:
            return ExitCode.DIFFER, "it fails without any transaction"
        assert found.first is not None
        if not found.is_bounded:
            told = f"prefix {found.first} fails, {found.first - 1} is not known to pass"
            return ExitCode.INCONCLUSIVE, f"not localised: {told}"
        assert self.culprit is not None
        return ExitCode.DIFFER, f"transaction {self.culprit.tx_index} matters"

    def _passed(self) -> tuple[ExitCode, str]:
        if self.canary is None or self.canary.said is not Said.FAIL:
            told = "no verdict" if self.canary is None else self.canary.said.value
            return ExitCode.INCONCLUSIVE, f"it passes, but a wrong block gets: {told}"
        if self.found.told[self.found.size].of_file and not self.canary.of_file:
            return ExitCode.INCONCLUSIVE, "it passes by exit status only, which refuses nothing"
        return ExitCode.AGREE, "the client passes the whole block"

    def lines(self) -> Iterator[str]:
        """The report for people."""
        found, (code, why) = self.found, self.exit_code()
        yield f"{self.name}: {found.size} transactions, {len(found.told)} prefixes run"
        if found.first is not None:
            yield from self._localised(code)
        if found.unsteady:
            yield f"  unsteady: of {_listed(found.unsteady)} it told now this, now that"
        yield f"{code.name}: {why}"

    def _localised(self, code: ExitCode) -> Iterator[str]:
        found = self.found
        assert found.first is not None
        told = found.told[found.first]
        exact = "" if found.is_exact else ", as far as was run"
        yield f"  first failing prefix: {found.first} transactions{exact}"
        yield f"  the client: {told.message or told.kind}"
        yield f"  {_MONOTONE[found.monotone()]}"
        for said in (Said.FAIL, Said.PASS, Said.NOTHING):
            if prefixes := found.those(said):
                yield f"  {said.value}: {_listed(prefixes)}"
        if found.first == 0 and code is ExitCode.DIFFER:
            yield "  what comes before and after the transactions is at fault: system calls,"
            yield "  withdrawals, requests, the header, or the state before the block"
        if self.culprit is not None:
            yield from (f"  {line}" for line in self.culprit.lines())

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        code, why = self.exit_code()
        found = self.found
        told = None if found.first is None else found.told[found.first]
        difference = None if told is None else difference_of(told)
        return {
            "verdict": code.name.lower(),
            "why": why,
            "name": self.name,
            "transactions": found.size,
            "prefixes_run": len(found.told),
            "first": found.first,
            "exact": found.is_exact,
            "monotone": found.monotone(),
            **{said.value: found.those(said) for said in Said},
            "unsteady": found.unsteady,
            "message": "" if told is None else told.message,
            "signature": None if difference is None else difference.signature,
            "errors": "" if told is None else told.errors,
            "transaction": None if self.culprit is None else self.culprit.to_json(),
        }


def _listed(numbers: Sequence[int]) -> str:
    """Numbers in order, runs of them shortened: 0 to 4, 7, 9 to 12."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join(" to ".join(map(str, run)) for run in runs)

"""What a client told of a folder of tests, added up; and whether that can be believed."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pel_fuzz.client.consume import UNREADABLE, Canary, ConsumePlan, FileRun, refused
from pel_fuzz.client.fixture_run import Said, Told
from pel_fuzz.client.verdicts import UNSUPPORTED
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.known import KnownList
from pel_fuzz.verdict import Difference, Oracle, shorten

KIND: Final = "consume"


def difference_of(told: Told) -> Difference | None:
    """The difference that a test shows; its signature does not depend on the block."""
    if told.said is not Said.FAIL:
        return None
    return Difference(
        oracle=Oracle.ANSWER,
        kind=f"{KIND}.{told.kind}",
        field=told.name,
        expected="pass",
        got=shorten(told.message or told.kind),
        words=told.message,
    )


@dataclass(slots=True)
class ConsumeReport:
    """Counts, and the first test of each signature. What is in the list `known` passes."""

    plan: ConsumePlan
    parallel_proof: str | None = None
    known: KnownList = field(default_factory=KnownList)
    told: list[Told] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    differences: dict[str, list[Told]] = field(default_factory=dict)
    canaries: list[Canary] = field(default_factory=list)
    control: Told | None = None
    files: int = 0
    interrupted: bool = False

    def add(self, run: FileRun) -> list[Told]:
        """Count one file. Result: its tests whose difference is of a new signature, not known."""
        self.files += 1
        if run.left_out is not None:
            self.left_out[run.left_out] += 1
        fresh = []
        for told in run.told:
            self.told.append(told)
            difference = difference_of(told)
            if difference is None:
                continue
            signature = difference.signature
            if signature not in self.differences and not self.known.excuses(signature):
                fresh.append(told)
            self.differences.setdefault(signature, []).append(told)
        return fresh

    @property
    def unknown(self) -> list[str]:
        """The signatures that nothing excuses."""
        return [each for each in self.differences if not self.known.excuses(each)]

    def count(self, said: Said) -> int:
        """Tests of which the client said this."""
        return sum(told.said is said for told in self.told)

    @property
    def silent(self) -> Counter[str]:
        """Tests without a verdict, by the reason; a fork that is not known is none of ours."""
        return Counter(told.kind for told in self.told if told.said is Said.NOTHING)

    def results(self) -> Iterator[tuple[str, str | None, str]]:
        """Each test: its name, the signature of its difference if there is one, what was told."""
        for told in self.told:
            difference = difference_of(told)
            signature = None if difference is None else difference.signature
            yield told.name, signature, told.message

    def parallel(self) -> str:
        """How often the log showed that the parallel path ran."""
        if self.parallel_proof is None:
            return "unknown"
        seen = sum(told.proven is True for told in self.told)
        return f"seen in {seen} of {len(self.told)} tests"

    @property
    def cut_off(self) -> str:
        """Says that the time was over before all files were run; else empty."""
        total = len(self.plan.own())
        return f"{self.files} of {total} files in the time given" if self.files < total else ""

    def exit_code(self) -> tuple[ExitCode, str]:
        """The verdict, and the sentence that says why."""
        if self.interrupted:
            return ExitCode.INTERRUPTED, f"interrupted after {len(self.told)} tests"
        passed = self.count(Said.PASS)
        if not self.told:
            why = self.cut_off or f"no {self.plan.format} was found"
            return ExitCode.INCONCLUSIVE, why
        if passed == 0 and (self.control is None or self.control.said is not Said.PASS):
            return ExitCode.INCONCLUSIVE, "nothing passes, not even a block without transactions"
        known = len(self.differences) - len(self.unknown)
        besides = f", besides {known} known kind(s) of failure" if known else ""
        besides += f"; {self.cut_off}" if self.cut_off else ""
        if self.unknown:
            failing = sum(len(self.differences[each]) for each in self.unknown)
            return ExitCode.DIFFER, f"{failing} tests fail, in {len(self.unknown)} way(s){besides}"
        doubt = self._doubt()
        if doubt is not None:
            return ExitCode.INCONCLUSIVE, doubt
        unsupported = self.silent[UNSUPPORTED]
        if unsupported:
            besides = f", {unsupported} are of forks that it does not know{besides}"
        whole = "the other" if known or unsupported else "all"
        return ExitCode.AGREE, f"{whole} {passed} tests pass{besides}"

    def _doubt(self) -> str | None:
        """Why it cannot be believed that the client agrees."""
        caught, missed = refused(self.canaries)
        if missed:
            claims = ", ".join(sorted({canary.claim for canary in missed}))
            return f"says pass to a wrong block ({claims})"
        if not caught:
            return "no wrong block was refused whose right one passes, or none could be made"
        by_status = sum(told.of_file and told.said is Said.PASS for told in self.told)
        if by_status and not any(canary.told.of_file for canary in caught):
            return f"{by_status} tests pass by exit status only, which refuses no wrong block"
        unreadable = sum(n for why, n in self.left_out.items() if why.startswith(UNREADABLE))
        if unreadable:
            return f"{unreadable} files cannot be read"
        without = {kind: count for kind, count in self.silent.items() if kind != UNSUPPORTED}
        if without:
            counts = ", ".join(f"{kind} {count}" for kind, count in sorted(without.items()))
            return f"no verdict on {sum(without.values())} tests: {counts}"
        if self.count(Said.PASS) == 0:
            return "no test was passed"
        if self.parallel_proof is not None and not any(told.proven for told in self.told):
            return "the parallel path was not seen to run"
        return None

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        code, why = self.exit_code()
        return {
            "verdict": code.name.lower(),
            "why": why,
            "shard": f"{self.plan.shard + 1}/{self.plan.of}",
            "files": self.files,
            "files_of_shard": len(self.plan.own()),
            "left_out": dict(sorted(self.left_out.items())),
            "tests": {said.value: self.count(said) for said in Said},
            "without_verdict": dict(sorted(self.silent.items())),
            "parallel": self.parallel(),
            "canaries": [
                {
                    "claim": each.claim,
                    "test": each.told.name,
                    "said": each.told.said.value,
                    "right": each.right and each.right.said.value,
                }
                for each in self.canaries
            ],
            "differences": [
                {
                    "signature": signature,
                    "tests": [told.name for told in tests],
                    "message": tests[0].message,
                    "known": self._excuse_json(signature),
                }
                for signature, tests in sorted(self.differences.items())
            ],
            "results": [_told_json(told) for told in self.told],
        }

    def _excuse_json(self, signature: str) -> dict[str, Any] | None:
        excuse = self.known.excuse(signature)
        return None if excuse is None else excuse.to_json()


def _told_json(told: Told) -> dict[str, Any]:
    difference = difference_of(told)
    return {
        "name": told.name,
        "file": str(told.path),
        "said": told.said.value,
        "kind": told.kind,
        "message": told.message,
        "signature": difference and difference.signature,
        "parallel": told.proven,
        "seconds": round(told.seconds, 3),
    }

"""What a campaign against a client did and found: for the terminal, for JSON, for its exit code."""

import shlex
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from pel_fuzz.client.checking.campaign import CheckedCase, CheckPlan
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.regressions import Regressions
from pel_fuzz.report import Group, head_to_json
from pel_fuzz.verdict import Difference, Oracle

MOST_UNFIT: Final = 3
"""Forks on which a client fails even plain blocks, with no answer so far: then it is given up."""


@dataclass(slots=True)
class CheckReport:
    """Counts, and differences by signature. What is known beforehand is in `regressions`, and
    passes; `flags` are options beside those of the plan, to be repeated.

    `unfit` are forks about which the client cannot be asked, with what it said; `seen` and `unseen`
    count, by field, the blocks in which it was compared, and in which the client did not give it.
    """

    plan: CheckPlan
    can_be_heard: bool = True
    regressions: Regressions = field(default_factory=Regressions)
    flags: str = ""
    forks: Counter[str] = field(default_factory=Counter)
    features: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    unfit: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    differences: dict[str, Group] = field(default_factory=dict)
    compared: int = 0
    transactions: int = 0
    rejected: int = 0
    gas_used: int = 0
    redrawn: int = 0
    gaps: int = 0
    proven: int = 0
    asked_for_proof: int = 0
    client_seconds: float = 0.0
    next_index: int = 0
    interrupted: bool = False

    def __post_init__(self) -> None:
        self.next_index = self.plan.start

    def add(self, case: CheckedCase) -> Difference | None:
        """Count one case. Result: its difference, if its signature is new and not known."""
        done, fork = case.examined, case.block.block.fork
        self.next_index = case.index + self.plan.of
        self.redrawn += case.block.redrawn
        self.client_seconds += case.seconds
        if done.unfit is not None:
            self.left_out[fork] += 1
            self.unfit.setdefault(fork, done.unfit)
            return None
        self.forks[fork] += 1
        self.features.update(case.block.features)
        self.transactions += len(case.block.block.transactions)
        self.rejected += len(case.block.expected.rejected)
        self.gas_used += case.block.expected.gas_used
        self.compared += done.is_compared
        self.failures.update([] if done.failure is None else [done.failure])
        self.seen.update(done.compared)
        self.unseen.update(done.unseen)
        self.gaps += done.gaps
        self.asked_for_proof += done.proven is not None
        self.proven += bool(done.proven)
        return None if done.difference is None else self._grouped(case.index, done.difference)

    def _grouped(self, index: int, difference: Difference) -> Difference | None:
        group = self.differences.get(difference.signature)
        if group is None:
            excuse = self.regressions.excuse(difference)
            group = self.differences[difference.signature] = Group(index, difference, excuse)
        group.cases += 1
        return difference if group.cases == 1 and not group.is_known else None

    @property
    def total(self) -> int:
        """Blocks that the client was asked about, and could be."""
        return sum(self.forks.values())

    @property
    def is_hopeless(self) -> bool:
        """Whether the client answers nothing, not even plain blocks: its command is wrong, or its
        address."""
        enough = 1 if self.plan.fork is not None else MOST_UNFIT
        if self.failures["unreachable"] >= MOST_UNFIT:
            return not self.compared
        return not self.total and len(self.unfit) >= enough

    @property
    def never_seen(self) -> list[str]:
        """Fields that the client gave in no block that has them."""
        return sorted(name for name in self.unseen if not self.seen[name])

    @property
    def not_always_seen(self) -> list[str]:
        """Fields that the client gave, but not wherever the block has them."""
        return sorted(name for name in self.unseen if self.seen[name])

    @property
    def unknown(self) -> set[str]:
        """The signatures of verdicts that nothing excuses."""
        return {
            signature
            for signature, group in self.differences.items()
            if not group.is_known and group.difference.oracle is not Oracle.CLIENT
        }

    @property
    def parallel(self) -> str:
        """What is known of whether the client ran in parallel: `seen`, `not seen`, `unknown`."""
        if self.plan.proof is None or not self.asked_for_proof:
            return "unknown"
        return "seen" if self.proven else "not seen"

    def exit_code(self) -> tuple[ExitCode, str]:
        """The verdict, and the sentence that says why."""
        if self.interrupted:
            return ExitCode.INTERRUPTED, f"interrupted after {self.total} blocks"
        return self.regressions.verdict(self.unknown, self._own_verdict())

    def _own_verdict(self) -> tuple[ExitCode, str]:
        silent = {
            group.difference.kind: group.cases
            for group in self.differences.values()
            if group.difference.oracle is Oracle.CLIENT
        }
        if self.unfit and not self.total:
            fork, why = next(iter(self.unfit.items()))
            told = why.splitlines()[0]
            return ExitCode.BAD_INPUT, f"the client fails on a plain block of {fork} too: {told}"
        if not self.total and self.plan.max_cases == 0 and self.regressions.replayed:
            return ExitCode.AGREE, "no difference in the corpus"
        if not self.total:
            return ExitCode.INCONCLUSIVE, "no block was run"
        if silent:
            told = ", ".join(f"{kind} {count}" for kind, count in sorted(silent.items()))
            return ExitCode.INCONCLUSIVE, f"no verdict on {sum(silent.values())} block(s): {told}"
        if odd := sorted(self.left_out.keys() & self.forks.keys()):
            why = f"of {', '.join(odd)}, of which the client was asked others"
            left = sum(self.left_out[fork] for fork in odd)
            return ExitCode.INCONCLUSIVE, f"{left} block(s) left out {why}: it fails at times"
        if not self.seen:
            return ExitCode.INCONCLUSIVE, "the client gave no field that can be compared"
        if self.parallel == "not seen":
            why = f"no proof that it ran in parallel: {self.plan.proof!r} was seen in no block"
            return ExitCode.INCONCLUSIVE, why
        return ExitCode.AGREE, "no difference"

    @property
    def repeat_command(self) -> str:
        """What asks the same again: as many blocks as there were, whatever time they took."""
        start = f" --start {self.plan.start}" if self.plan.start else ""
        ran = self.total + sum(self.left_out.values())
        return f"{self._command}{start} --max-cases {ran}"

    @property
    def resume_command(self) -> str:
        """What goes on with the block after the last one."""
        return f"{self._command} --start {self.next_index}"

    @property
    def _command(self) -> str:
        plan = self.plan
        options: dict[str, str | None] = {
            "--shard": f"{plan.shard + 1}/{plan.of}" if plan.of > 1 else None,
            "--fork": plan.fork,
            "--parallel-proof": plan.proof,
        }
        words = [f"{name} {shlex.quote(value)}" for name, value in options.items() if value]
        words += [f"--leave-out {name}" for name in sorted(plan.leave_out)]
        words += ["--small"] if plan.small else []
        told = "".join(f" {word}" for word in words)
        return f"{client_command(plan)} --seed {plan.seed}{told}{self.flags}"

    def to_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        again = self.repeat_command, self.resume_command
        return {
            **head_to_json(self.plan, self.exit_code(), self.next_index, *again),
            "client": {"way": self.plan.client.way, "command": self.plan.client.text},
            "cases": self.total,
            "compared": self.compared,
            "redrawn": self.redrawn,
            "forks": dict(sorted(self.forks.items())),
            "unfit_forks": dict(sorted(self.unfit.items())),
            "left_out": dict(sorted(self.left_out.items())),
            "features": dict(sorted(self.features.items())),
            "transactions": self.transactions,
            "rejected": self.rejected,
            "gas_used": self.gas_used,
            "client_seconds": round(self.client_seconds, 3),
            "failures": dict(sorted(self.failures.items())),
            "fields": dict(sorted(self.seen.items())),
            "fields_never_seen": self.never_seen,
            "fields_not_always_seen": self.not_always_seen,
            "roots_with_gaps": self.gaps,
            "parallel": {
                "proof": self.plan.proof,
                "seen": self.parallel,
                "cases": self.proven if self.parallel != "unknown" else None,
            },
            "differences": [group.to_json() for group in self.differences.values()],
        } | self.regressions.to_json()


def client_command(plan: CheckPlan) -> str:
    """`pel client check` with the options that say which client it is."""
    spec = plan.client
    names = [f" --fork-name {ours}={theirs}" for ours, theirs in sorted(spec.fork_names.items())]
    return f"pel client check --{spec.way} {shlex.quote(spec.text)}{''.join(names)}"

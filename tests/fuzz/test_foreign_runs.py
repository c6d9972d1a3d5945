"""Whole runs as foreign traces: our own executor's, mapped to the abstract machine and shuffled;
an executor of another kind; and what they become when something in them is wrong."""

import json
from collections import defaultdict
from random import Random
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from pel_fuzz.conformance.foreign import ForeignVerdict, Verdict, check_foreign_trace
from pel_fuzz.conformance.foreign_trace import decode_foreign_trace
from pel_fuzz.conformance.forms import FORMS
from pel_fuzz.conformance.replay import locations_of
from pel_fuzz.tiny import TinyBlock
from pel_fuzz.tiny_draws import tiny_blocks
from pel_parallel.choices import RandomWalk
from pel_parallel.executor import run_block
from pel_parallel.greenlets import GreenletController
from pel_spec.fold import fold
from pel_spec.kernel import BEFORE, methods
from pel_spec.optimistic import Optimistic, OptimisticInvariants
from pel_spec.scheduler.blockstm import REFINES, BlockStm
from pel_spec.transition import RecordedView, run_contained
from pel_spec.vocabulary import PRE_STATE, Location, Value, Version

Line = dict[str, Any]
WORKERS = 3
ALL = ["read", "publish", "validate", "abort", "commit"]


def line(worker: int, action: str, args: list[Any], obj: list[Any], seen: Any) -> Line:
    return {
        "worker": worker,
        "own": 0,
        "action": action,
        "args": args,
        "object": obj,
        "sequence": None,
        "observed": seen,
    }


def numbered(lines: list[Line]) -> list[Line]:
    """The lines, with each worker's numbers as they stand."""
    own: dict[int, int] = defaultdict(int)
    found = []
    for each in lines:
        found.append(each | {"own": own[each["worker"]]})
        own[each["worker"]] += 1
    return found


def judged(lines: list[Line], transitions: int, logs: list[str]) -> ForeignVerdict:
    first = {"pel": "trace", "version": 1, "workers": WORKERS, "transitions": transitions}
    first |= {"order": "partial", "logs": logs}
    return check_foreign_trace(
        decode_foreign_trace(json.dumps(x).encode() for x in (first, *lines))
    )


class Logged(Optimistic):
    """The abstract machine, each of its steps written down as a client would."""

    def begin(self) -> None:
        """Nothing is written yet."""
        self.lines: list[Line] = []
        self.worker, self.incarnations = 0, [0] * self.n

    def add(self, action: str, i: int, obj: list[Any], seen: Any, *more: Any) -> None:
        args = [i, self.incarnations[i], *more]
        self.lines.append(line(self.worker, action, args, obj, seen))

    def read(self, i: int, x: Any, k: int, c: int) -> None:
        super().read(i, x, k, c)
        self.add("read", i, ["cell", x], None if k == BEFORE else [k, c])

    def validate(self, i: int, x: Any, k: int, c: int) -> None:
        super().validate(i, x, k, c)
        self.add("validate", i, ["cell", x], None if k == BEFORE else [k, c])

    def publish(self, i: int, c: int, writes: Any) -> None:
        super().publish(i, c, writes)
        self.add("publish", i, ["position", i], None, [x for x in self.locations if writes(x)])

    def abort(self, i: int) -> None:
        super().abort(i)
        self.add("abort", i, ["position", i], None)

    def commit(self, upto: int) -> None:
        super().commit(upto)
        self.lines.append(line(self.worker, "commit", [], ["block"], None))


def of_our_executor(block: TinyBlock, seed: int) -> list[Line]:
    """What a run of our executor is in the abstract machine, by the refinement map of the text."""
    runtime = GreenletController(RandomWalk(seed, 0.6))
    steps = run_block(block, workers=WORKERS, runtime=runtime).trace
    assert steps is not None
    transitions, locations = len(block.programs), locations_of(steps)
    state = BlockStm(transitions, WORKERS, locations)
    abstract = Logged(transitions, 0, locations)
    abstract.begin()
    for step in steps:
        form = FORMS[step.action]
        parameters, _ = form.read(step)
        abstract.worker = step.worker
        abstract.incarnations = [state.inc[i] for i in state.positions]
        if step.action in REFINES:
            REFINES[step.action](state, abstract, step.worker, *parameters)
        form.perform(state, step.worker, *parameters)
    return numbered(abstract.lines)


def of_waves(block: TinyBlock) -> list[Line]:
    """An executor that is no Block-STM: all that is left is executed against what is committed,
    and then committed in order, up to the first whose reads do not hold any more."""
    lines: list[Line] = []
    final: dict[Location, tuple[Value, Version]] = {}
    committed, wave = 0, 0

    def lookup(location: Location) -> tuple[Value, Version]:
        return final.get(location, (block.initial(location), PRE_STATE))

    while committed < len(block.transitions):
        results = {}
        for position in range(committed, len(block.transitions)):
            worker, version = position % WORKERS, [position, wave]
            view = RecordedView(lookup)
            effects = run_contained(block.transitions[position], view, None)
            results[position] = reads, _ = list(view.reads.values()), effects.writes
            for read in reads:
                lines.append(line(worker, "read", version, ["cell", read.location], read.version))
            places = [*effects.writes]
            own = ["position", position]
            lines.append(line(worker, "publish", [*version, places], own, None))
        for position, (reads, writes) in results.items():
            if any(lookup(read.location)[1] != read.version for read in reads):
                break
            lines.append(line(0, "validate", [position, wave], ["position", position], True))
            lines.append(line(0, "commit", [position, wave], ["block"], None))
            final |= {x: (value, Version(position, wave)) for x, value in writes.items()}
            committed += 1
        for position in range(committed, len(block.transitions)):
            lines.append(line(0, "abort", [position, wave], ["position", position], None))
        wave += 1
    return numbered(lines)


def started_over(lines: list[Line]) -> set[tuple[int, int]]:
    """The versions with an abort before the end of their work."""
    aborted, found = set(), set()
    for each in lines:
        version = tuple(each["args"][:2])
        if each["action"] == "abort":
            aborted.add(version)
        elif each["action"] in ("read", "publish") and version in aborted:
            found.add(version)
    return found


def with_numbers(lines: list[Line], chance: Random) -> list[Line]:
    """With the numbers of some objects, and in any order, as nothing is said by that."""
    told: dict[str, bool] = {}
    due: dict[str, int] = defaultdict(int)
    found = []
    for each in lines:
        name = json.dumps(each["object"])
        number = due[name] if told.setdefault(name, chance.random() < 0.5) else None
        due[name] += 1
        found.append(each | {"sequence": number})
    chance.shuffle(found)
    return found


def is_a_run(verdict: ForeignVerdict, lines: list[Line]) -> Optimistic:
    """The actions that were found are a run of the text as it stands; its last state."""
    locations = {tuple(each["object"][1]) for each in lines if each["object"][0] == "cell"}
    for each in lines:
        if each["action"] == "publish":
            locations |= {tuple(x) for x in each["args"][2]}
    machine = Machine(verdict.transitions, 0, sorted(locations))
    for _, action, arguments in verdict.performed:
        getattr(machine, action)(*arguments)
    assert machine.committed == machine.n
    for name in methods(OptimisticInvariants):
        assert getattr(machine, name)()
    return machine


class Machine(Optimistic, OptimisticInvariants):
    """The abstract machine as it stands."""


def reads_as_the_fold(machine: Optimistic, block: TinyBlock) -> None:
    """What was committed has read what the fold gives it."""
    for i, incarnation in enumerate(fold(block)[1].incarnations):
        reads = {x: machine.source[i, x] for x in machine.locations if machine.reads[i, x]}
        assert reads == {x: version.position for x, _, version, _ in incarnation.reads if version}


@settings(deadline=None, max_examples=60)
@given(block=tiny_blocks(largest=6), seed=st.integers(0, 2**32), data=st.data())
def test_our_own_runs_conform(block: TinyBlock, seed: int, data: st.DataObject) -> None:
    lines = of_our_executor(block, seed)
    shuffled = with_numbers(lines, Random(seed))
    unlogged = data.draw(st.sets(st.sampled_from(["validate", "abort"])))
    kept = started_over(lines)
    left = [
        each
        for each in shuffled
        if each["action"] not in unlogged
        or (each["action"] == "abort" and tuple(each["args"]) in kept)
    ]
    left = sorted(left, key=lambda each: each["own"])
    chance = Random(seed)
    left = numbered(left)
    chance.shuffle(left)
    logs = [action for action in ALL if action not in unlogged]
    verdict = judged(left, len(block.programs), logs)
    event(f"inferred: {', '.join(verdict.inferred)}")
    assert verdict.verdict is Verdict.CONFORMS, verdict.words
    reads_as_the_fold(is_a_run(verdict, left), block)


def test_contended_runs_conform_and_have_every_kind_of_step() -> None:
    """A chain, each position of which reads what the one before writes."""
    block = TinyBlock(tuple((("get", i % 3), ("put", (i + 1) % 3), ("get", 3)) for i in range(7)))
    kinds: set[str] = set()
    for seed in range(25):
        lines = of_our_executor(block, seed)
        kinds |= {each["action"] for each in lines}
        kinds |= {"restart"} if started_over(lines) else set()
        verdict = judged(with_numbers(lines, Random(seed)), 7, ALL)
        assert verdict.verdict is Verdict.CONFORMS, verdict.words
        reads_as_the_fold(is_a_run(verdict, lines), block)
        bare = numbered([each for each in lines if each["action"] not in ("validate", "abort")])
        if not started_over(lines):
            verdict = judged(bare, 7, ["read", "publish", "commit"])
            assert verdict.verdict is Verdict.CONFORMS, verdict.words
            reads_as_the_fold(is_a_run(verdict, lines), block)
            kinds |= verdict.inferred.keys()
    assert kinds == {*ALL, "restart"}


@settings(deadline=None, max_examples=60)
@given(block=tiny_blocks(largest=6), seed=st.integers(0, 2**32))
def test_an_executor_that_commits_in_waves_conforms(block: TinyBlock, seed: int) -> None:
    lines = of_waves(block)
    verdict = judged(with_numbers(lines, Random(seed)), len(block.programs), ALL)
    assert verdict.verdict is Verdict.CONFORMS, verdict.words
    assert not verdict.inferred
    reads_as_the_fold(is_a_run(verdict, lines), block)


# ---- runs with something wrong in them -----------------------------------------------------------


def committed_reads_hold(lines: list[Line], transitions: int) -> bool:
    """An independent opinion of a trace that is all committed: of each position the highest
    incarnation that was published is final. Has each read of it found the last of them below?"""
    final: dict[int, Line] = {}
    for each in lines:
        if each["action"] == "publish":
            position, incarnation, _ = each["args"]
            if position not in final or final[position]["args"][1] < incarnation:
                final[position] = each
    restarted = started_over(sorted(lines, key=lambda each: int(each["own"])))
    for each in lines:
        version = tuple(each["args"][:2])
        if each["action"] != "read" or version in restarted or version[0] not in final:
            continue
        if version[1] != final[version[0]]["args"][1]:
            continue
        place, found = each["object"][1], None
        for position in range(version[0]):
            _, incarnation, writes = final[position]["args"]
            if list(place) in [list(x) for x in writes]:
                found = [position, incarnation]
        if each["observed"] != found:
            return False
    return len(final) == transitions


def corrupt(draw: st.DataObject, lines: list[Line], transitions: int) -> None:
    """Change one line, so that it says something else; or leave one out, or double it."""
    at = draw.draw(st.integers(0, len(lines) - 1))
    changed = lines[at] = dict(lines[at])
    position, number = st.integers(0, transitions - 1), st.integers(0, 2)
    what = draw.draw(st.sampled_from(("leave out", "double", "version", "args", "writes")))
    if what == "double":
        lines.insert(at, dict(changed))
    elif what == "version" and changed["action"] == "read":
        other = st.none() | st.tuples(position, number).map(list)
        changed["observed"] = draw.draw(other)
    elif what == "args" and changed["args"]:
        which = draw.draw(st.integers(0, 1))
        args = [*changed["args"]]
        args[which] = draw.draw((position, number)[which])
        changed["args"] = args
        if changed["object"][0] == "position":
            changed["object"] = ["position", args[0]]
    elif what == "writes" and changed["action"] == "publish":
        *version, writes = changed["args"]
        places = [("cell", 0), ("cell", 1), *writes]
        changed["args"] = [*version, draw.draw(st.lists(st.sampled_from(places), max_size=2))]
    else:
        del lines[at]
    lines[:] = numbered(lines)


@settings(deadline=None, max_examples=150)
@given(block=tiny_blocks(largest=5), seed=st.integers(0, 2**32), data=st.data())
def test_corrupted_runs_never_conform_with_other_reads(
    block: TinyBlock, seed: int, data: st.DataObject
) -> None:
    lines, transitions = of_our_executor(block, seed), len(block.programs)
    for _ in range(data.draw(st.integers(1, 2))):
        corrupt(data, lines, transitions)
    logs = data.draw(st.sampled_from([ALL, ["read", "publish", "commit"]]))
    verdict = judged(lines, transitions, logs)
    event(str(verdict.verdict))
    if verdict.verdict is Verdict.CONFORMS:
        is_a_run(verdict, lines)
        assert committed_reads_hold(lines, transitions)


@settings(deadline=None, max_examples=100)
@given(block=tiny_blocks(largest=5), seed=st.integers(0, 2**32), data=st.data())
def test_a_committed_read_of_another_version_violates(
    block: TinyBlock, seed: int, data: st.DataObject
) -> None:
    lines = of_waves(block)
    last = {each["args"][0]: each["args"][1] for each in lines if each["action"] == "publish"}
    reads = [
        at
        for at, each in enumerate(lines)
        if each["action"] == "read" and last[each["args"][0]] == each["args"][1]
    ]
    assume(reads)
    at = data.draw(st.sampled_from(reads))
    versions = [None, *([p, i] for p in range(len(last)) for i in range(last[p] + 1))]
    right = lines[at]["observed"]
    wrong = [each for each in versions if each != (None if right[0] == BEFORE else [*right])]
    lines[at] = lines[at] | {"observed": data.draw(st.sampled_from(wrong))}
    verdict = judged(lines, len(block.programs), ALL)
    assert verdict.verdict is Verdict.VIOLATES

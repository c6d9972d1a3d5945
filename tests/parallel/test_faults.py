"""Faults at every step of small runs: the right result or the clean failure, and never a hang."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pel_fuzz.tiny import TinyBlock
from pel_parallel.batons import BatonController
from pel_parallel.choices import Choices, Default, RandomWalk, Recorded
from pel_parallel.control import Controller
from pel_parallel.errors import Deadlock, Drift, Livelock
from pel_parallel.executor import run_block
from pel_parallel.faults import (
    DeadWorker,
    Fault,
    FaultKind,
    Faulty,
    InjectedError,
    Interrupted,
    faults_of,
    under_control,
)
from pel_parallel.greenlets import GreenletController
from pel_parallel.stalls import Stall, Stalling
from pel_parallel.sync import Seam, SharedObject
from pel_spec.fold import agree, fold
from pel_spec.sync import Step
from pel_spec.transition import Effects, View

WORKERS = 3
SUDDEN = [
    (kind, after)
    for kind, after in product((FaultKind.DEATH, FaultKind.INTERRUPTION), (False, True))
]


def end_of(block: TinyBlock, seam: Faulty) -> tuple[Any, ...]:
    """How a run ended, and all that is known of it."""
    ended: Any
    try:
        ended = run_block(block, workers=WORKERS, runtime=seam).result
    except (DeadWorker, Interrupted) as failure:
        ended = type(failure), str(failure).partition("\n")[0]
    return ended, seam.trace(), seam.schedule(), seam.strikes, seam.unreached


def controlled(
    controller: Callable[[Choices], Seam], choices: Choices, *faults: Fault, strict: bool = False
) -> Faulty:
    return under_control(controller, choices, faults, strict=strict)


def own_steps(block: TinyBlock, seed: int) -> Iterator[Step]:
    """The steps of a run without faults."""
    runtime = GreenletController(RandomWalk(seed))
    run_block(block, workers=WORKERS, runtime=runtime)
    yield from runtime.trace() or ()


# ---- deaths and interruptions, under control --------------------------------------------------


@pytest.mark.parametrize(("kind", "after"), SUDDEN)
def test_at_every_step_the_run_fails_with_the_reason(
    chain: TinyBlock, kind: FaultKind, after: bool
) -> None:
    right = fold(chain)[0]
    for step in own_steps(chain, 1):
        fault = Fault(kind, step.worker, step.own, after=after)
        seam = controlled(GreenletController, RandomWalk(1), fault)
        (failed, reason), trace, _, strikes, unreached = end_of(chain, seam)
        assert failed is (DeadWorker if kind is FaultKind.DEATH else Interrupted)
        assert not unreached
        (strike,) = strikes
        assert (strike.own, strike.action, strike.object) == (step.own, step.action, step.object)
        for part in (f"worker {step.worker}", f"step {step.own},", step.action):
            assert part in reason
        counted = step.action == "start_worker" or (after and step.action != "end_worker")
        assert sum(1 for each in trace if each.worker == step.worker) == step.own + counted
        again = run_block(chain, workers=WORKERS, runtime=seam.seam)
        assert agree(again.result, right)


@pytest.mark.parametrize(("kind", "after"), SUDDEN)
def test_both_controllers_fail_alike(chain: TinyBlock, kind: FaultKind, after: bool) -> None:
    for step in list(own_steps(chain, 2))[::3]:
        fault = Fault(kind, step.worker, step.own, after=after)
        ends = [
            end_of(chain, controlled(controller, RandomWalk(2), fault))
            for controller in (GreenletController, BatonController)
        ]
        assert ends[0] == ends[1]


def test_a_death_carries_trace_and_state(chain: TinyBlock) -> None:
    seam = controlled(GreenletController, RandomWalk(3), Fault(FaultKind.DEATH, 0, 9))
    with pytest.raises(DeadWorker, match="worker 0 died before step 9") as caught:
        run_block(chain, workers=WORKERS, runtime=seam)
    assert caught.value.trace == seam.trace()
    assert "position" in caught.value.state


def test_a_real_interruption_is_no_injected_one(chain: TinyBlock) -> None:
    fault = Fault(FaultKind.INTERRUPTION, 0, 9)
    with pytest.raises(KeyboardInterrupt) as caught:
        run_block(chain, workers=2, runtime=controlled(GreenletController, Default(), fault))
    assert isinstance(caught.value, Interrupted)
    assert not isinstance(KeyboardInterrupt(), Interrupted)


def test_a_death_is_nothing_that_a_transition_contains(block_of: Callable[..., Any]) -> None:
    def contains_all(view: View) -> Effects:
        try:
            view.read(("cell", 0))
        except Exception:
            return Effects({}, "contained")
        return Effects({}, "read")

    block = block_of([contains_all])
    read = next(step for step in _trace_of(block) if step.action == "read_cell")
    for kind, expected in ((FaultKind.DEATH, None), (FaultKind.EXCEPTION, "contained")):
        seam = controlled(GreenletController, Default(), Fault(kind, read.worker, read.own))
        if expected is None:
            with pytest.raises(DeadWorker, match="read_cell"):
                run_block(block, workers=1, runtime=seam)
        else:
            assert run_block(block, workers=1, runtime=seam).result.effects[0].outcome == expected


def _trace_of(block: Any) -> tuple[Step, ...]:
    return run_block(block, workers=1, runtime=GreenletController()).trace or ()


# ---- exceptions -------------------------------------------------------------------------------


def test_an_exception_is_an_outcome_or_is_aborted() -> None:
    link = (("get", 0), ("put", 1), ("get", 1), ("pair", 0), ("put", 0), ("get", 2), ("put", 2))
    block = TinyBlock((link,) * 4, (0, 0, 0))
    right, endings = fold(block)[0], set()
    for seed in range(300):
        fault = Fault(FaultKind.EXCEPTION, seed % WORKERS, (5, 20, 40, 200)[seed % 4])
        seam = controlled(GreenletController, RandomWalk(seed), fault)
        result = run_block(block, workers=WORKERS, runtime=seam).result
        texts = [InjectedError.text(strike) for strike in seam.strikes]
        faults = [(strike.args[0], text) for strike, text in zip(seam.strikes, texts, strict=True)]
        if result.faults:
            endings.add("in the result")
            assert list(result.faults) == faults
            assert result.effects[faults[0][0]].writes == {}
            assert seam.strikes[0].action == "read_cell" and seam.strikes[0].own >= fault.own
        else:
            endings.add("aborted" if seam.strikes else "not reached")
            assert agree(result, right)
    assert endings == {"not reached", "in the result", "aborted"}


def test_an_exception_takes_no_step_and_strikes_once(
    chain: TinyBlock, controller: type[Controller]
) -> None:
    seam = controlled(controller, RandomWalk(5), Fault(FaultKind.EXCEPTION, 1, 0))
    run = run_block(chain, workers=WORKERS, runtime=seam)
    (strike,) = seam.strikes
    steps = [step for step in run.trace or () if step.worker == 1]
    assert [step.own for step in steps] == list(range(len(steps)))
    assert (steps[strike.own].action, steps[strike.own].object) != ("read_cell", strike.object)
    assert len(run.result.faults) == 1


# ---- stalls -----------------------------------------------------------------------------------


@given(
    st.integers(0, 299),
    st.integers(0, 2**20),
    st.lists(
        st.tuples(st.integers(0, WORKERS - 1), st.integers(0, 60), st.integers(1, 400)),
        min_size=1,
        max_size=3,
        unique_by=lambda stall: stall[:2],
    ),
)
@settings(max_examples=80, deadline=None)
def test_stalls_change_nothing_but_the_order(
    drawn_blocks: tuple[TinyBlock, ...], which: int, seed: int, stalls: list[tuple[int, int, int]]
) -> None:
    block = drawn_blocks[which]
    faults = [Fault(FaultKind.STALL, worker, own, steps) for worker, own, steps in stalls]
    seam = controlled(GreenletController, RandomWalk(seed), *faults)
    ended, trace, schedule, strikes, _ = end_of(block, seam)
    assert agree(ended, fold(block)[0])
    again = controlled(GreenletController, Recorded(schedule), *(s.fault for s in strikes))
    assert end_of(block, again)[:4] == (ended, trace, schedule, strikes)


def test_both_controllers_stall_alike(chain: TinyBlock) -> None:
    for worker, own in product(range(WORKERS), range(0, 40, 4)):
        fault = Fault(FaultKind.STALL, worker, own, 30)
        ends = [
            end_of(chain, controlled(controller, RandomWalk(7), fault))
            for controller in (GreenletController, BatonController)
        ]
        assert ends[0] == ends[1]


def test_others_go_as_often_as_it_says(controller: type[Controller]) -> None:
    for steps in (1, 4, 9):
        seam = controlled(controller, Default(), Fault(FaultKind.STALL, 0, 2, steps))
        seam.run(2, _ten_steps(seam))
        order = [step.worker for step in seam.trace() or ()]
        assert order.index(1) == 2
        assert order[2 : 2 + steps] == [1] * steps


def test_a_late_starter(controller: type[Controller]) -> None:
    seam = controlled(controller, Default(), Fault(FaultKind.STALL, 0, 0, 5))
    seam.run(2, _ten_steps(seam))
    assert [step.worker for step in seam.trace() or ()][:5] == [1] * 5


def test_a_stalled_worker_goes_on_where_nobody_else_can(controller: type[Controller]) -> None:
    seam = controlled(controller, Default(), Fault(FaultKind.STALL, 0, 2, 1_000_000))
    seam.run(2, _ten_steps(seam))
    order = [step.worker for step in seam.trace() or ()]
    assert order[2:] == [1] * 12 + [0] * 10
    assert not seam.unreached


def _ten_steps(seam: Seam) -> Callable[[int], None]:
    place = SharedObject(("place",))

    def body(worker: int) -> None:
        for _ in range(10):
            seam.step(worker, "touch", (), place, lambda: None)

    return body


def test_stalls_hide_no_deadlock(controller: type[Controller]) -> None:
    place = SharedObject(("place",))
    seam = controlled(controller, Default(), Fault(FaultKind.STALL, 0, 1, 50))

    def body(worker: int) -> None:
        if worker == 0:
            seam.step(0, "never", (), place, lambda: None, lambda: False)

    with pytest.raises(Deadlock, match="worker 0 at never of place"):
        seam.run(2, body)


def test_stalls_hide_and_feign_no_livelock(controller: type[Controller]) -> None:
    def idles(seam: Faulty, rounds: int) -> Callable[[int], None]:
        place = SharedObject(("place",))

        def body(worker: int) -> None:
            done = [False]
            while worker or not done[0]:
                seam.idle(worker)
                if worker and seam.seam.schedule() is None:
                    return
                if not worker and rounds:
                    done[0] = bool(seam.step(0, "work", (), place, lambda: True))

        return body

    seam = controlled(controller, Default(), Fault(FaultKind.STALL, 0, 1, 200))
    with pytest.raises(Livelock):
        seam.run(2, idles(seam, 0))
    assert len(seam.trace() or ()) > 200


def test_a_stall_that_nobody_notices_is_not_reached(chain: TinyBlock) -> None:
    seam = controlled(GreenletController, Default(), Fault(FaultKind.STALL, 0, 3, 5))
    run_block(chain, workers=1, runtime=seam)
    assert seam.unreached == seam.faults


def test_what_the_stalls_leave_open_is_up_to_the_choices() -> None:
    asked = []

    class Asked(Default):
        def choose(self, worker: int, own: int, runnable: Any, default: int, pending: Any) -> int:
            asked.append((worker, own, tuple(runnable), default))
            return default

    stalling = Stalling(Asked(), [Stall(0, 4, 2)])
    about = [("a", (), ("x",)), ("b", (), ("x",)), ("c", (), ("x",))]
    stalling.begin(3)
    assert stalling.choose(0, 4, (0, 1, 2), 0, about) == 1
    assert stalling.choose(1, 0, (0, 1, 2), 1, about) == 1
    assert stalling.choose(1, 1, (0, 1, 2), 1, about) == 1
    assert asked == [(0, 4, (1, 2), 1), (1, 0, (1, 2), 1), (1, 1, (0, 1, 2), 1)]
    assert stalling.schedule() == ()


# ---- faults that are not reached, and faults that are none --------------------------------------


@pytest.mark.parametrize("kind", FaultKind)
def test_what_is_not_reached_is_drift_where_it_was_recorded(
    chain: TinyBlock, kind: FaultKind
) -> None:
    fault = Fault(kind, 2, 100_000, 5 if kind is FaultKind.STALL else 0)
    seam = controlled(GreenletController, RandomWalk(1), fault)
    assert agree(run_block(chain, workers=WORKERS, runtime=seam).result, fold(chain)[0])
    assert seam.unreached == (fault,)
    strict = controlled(GreenletController, RandomWalk(1), fault, strict=True)
    with pytest.raises(Drift, match=r"1 fault\(s\) were never reached: .*step 100000"):
        run_block(chain, workers=WORKERS, runtime=strict)


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(FaultKind.STALL, 0, 0, 0)],
        [Fault(FaultKind.STALL, 0, 0, -1)],
        [Fault(FaultKind.DEATH, 0, 0, 3)],
        [Fault(FaultKind.DEATH, -1, 0)],
        [Fault(FaultKind.DEATH, 0, -1)],
        [Fault(FaultKind.EXCEPTION, 0, 0, after=True)],
        [Fault(FaultKind.STALL, 0, 0, 2, after=True)],
        [Fault(FaultKind.DEATH, 1, 2), Fault(FaultKind.EXCEPTION, 1, 2)],
    ],
)
def test_faults_that_are_none_are_refused(faults: list[Fault]) -> None:
    with pytest.raises(ValueError):
        faults_of(faults)


def test_faults_in_words() -> None:
    said = [
        Fault(FaultKind.STALL, 1, 4, 30),
        Fault(FaultKind.DEATH, 1, 4),
        Fault(FaultKind.INTERRUPTION, 1, 4, after=True),
        Fault(FaultKind.EXCEPTION, 1, 4),
    ]
    assert [fault.words() for fault in said] == [
        "worker 1 stalls at its step 4 while others go 30 times",
        "worker 1 dies before its step 4",
        "worker 1 is interrupted after its step 4",
        "the next read of worker 1 from its step 4 on fails",
    ]

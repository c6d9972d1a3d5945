"""Bugs after an execution: who has to know of it, and who is woken."""

from pel_spec.kernel import Position, Worker, require
from pel_spec.scheduler.execution import Finishing, Recording
from pel_spec.scheduler.state import At, Status


class NewLocationUnnoticed(Finishing):
    """A write where the last incarnation did not write validates only itself: those above who read
    past it stay as they are."""

    def finish_execution(s, w: Worker) -> int:
        require(s.pc[w] == At.FINISH)
        s.pc[w] = At.LEAVE if s.val_idx <= s.held[w] else At.LOAD_READS
        return s.val_idx


class NotValidatedItself(Finishing):
    """Where nothing new was written, the next incarnation is not validated at all.

    Like: aptos-core 18820."""

    def finish_execution(s, w: Worker) -> int:
        require(s.pc[w] == At.FINISH)
        s.pc[w] = At.LOWER if s.val_idx > s.held[w] and s.wrote_new[w] else At.LEAVE
        return s.val_idx


class LowersPastItself(Finishing):
    """A new location lowers the validation index to the position above: it is itself forgotten."""

    def lower_val_idx(s, w: Worker) -> None:
        require(s.pc[w] == At.LOWER)
        s.val_idx = min(s.val_idx, s.held[w] + 1)
        s.pc[w] = At.LOWER_COUNT


class CountedBeforeLowering(Finishing):
    """The decrease is counted, and then done: the done check looks in between, and sees neither."""

    def lower_val_idx(s, w: Worker) -> None:
        require(s.pc[w] == At.LOWER)
        s.dec_cnt += 1
        s.pc[w] = At.LOWER_COUNT

    def lower_val_count(s, w: Worker) -> int:
        require(s.pc[w] == At.LOWER_COUNT)
        s.val_idx = min(s.val_idx, s.held[w])
        s.pc[w] = At.LEAVE
        return s.val_idx


class CountedBeforeResuming(Finishing):
    """As `counted-before-lowering`, of the execution index."""

    def resume_done(s, w: Worker) -> None:
        require(s.pc[w] == At.RESUME and all(not s.woken[w, k] for k in s.positions))
        s.dec_cnt += 1
        s.pc[w] = At.RESUME_COUNT

    def resume_count(s, w: Worker) -> int:
        require(s.pc[w] == At.RESUME_COUNT)
        s.exec_idx = min(s.exec_idx, s.lowest[w])
        s.pc[w] = At.FINISH
        return s.exec_idx


class FinishLookedBeforePublish(Recording, Finishing):
    """Whether validation has gone past is seen before the status says executed: a validator that
    comes between the two finds nothing to validate, and nobody comes again.

    Like: aptos-core 19667."""

    def record_done(s, w: Worker) -> None:
        require(s.pc[w] == At.RECORD)
        require(all(not s.todo[w, x] for x in s.locations))
        require(all(s.writes[w, x] for x in s.locations if s.before[w, x]))
        i = s.held[w]
        s.record_inc[i] = s.held_inc[w]
        s.last_written[i, :] = s.writes[w, :]
        s.preferred[w] = s.val_idx
        s.pc[w] = At.PUBLISH

    def finish_execution(s, w: Worker) -> int:
        require(s.pc[w] == At.FINISH)
        if s.preferred[w] <= s.held[w]:
            s.pc[w] = At.LEAVE
        else:
            s.pc[w] = At.LOWER if s.wrote_new[w] else At.LOAD_READS
        return s.preferred[w]


class DependentsUnlocked(Finishing):
    """The list of those who wait is taken without its lock: who has looked, and is not listed yet,
    is missed."""

    def swap_deps(s, w: Worker) -> None:
        require(s.pc[w] == At.SWAP_DEPS)
        i = s.held[w]
        if any(s.waits[i, k] for k in s.positions):
            s.pc[w] = At.RESUME
        else:
            s.pc[w] = At.FINISH
        s.woken[w, :] = s.waits[i, :]
        s.waits[i, :] = False
        s.lowest[w] = s.n


class WaitersTakenBeforePublish(Recording, Finishing):
    """The list is taken before the status says executed: who comes later still sees it executing,
    is listed, and waits for ever."""

    def record_done(s, w: Worker) -> None:
        require(s.pc[w] == At.RECORD)
        require(all(not s.todo[w, x] for x in s.locations))
        require(all(s.writes[w, x] for x in s.locations if s.before[w, x]))
        i = s.held[w]
        s.record_inc[i] = s.held_inc[w]
        s.last_written[i, :] = s.writes[w, :]
        s.pc[w] = At.SWAP_DEPS

    def swap_deps(s, w: Worker) -> None:
        require(s.pc[w] == At.SWAP_DEPS and not s.locked[s.held[w]])
        i = s.held[w]
        if any(s.waits[i, k] for k in s.positions):
            s.pc[w] = At.RESUME
        else:
            s.pc[w] = At.PUBLISH
        s.woken[w, :] = s.waits[i, :]
        s.waits[i, :] = False
        s.lowest[w] = s.n

    def resume_count(s, w: Worker) -> int:
        require(s.pc[w] == At.RESUME_COUNT)
        s.dec_cnt += 1
        s.pc[w] = At.PUBLISH
        return s.dec_cnt - 1

    def publish(s, w: Worker) -> None:
        require(s.pc[w] == At.PUBLISH)
        s.status[s.held[w]] = Status.EXECUTED
        s.ghost_answered(w)
        s.pc[w] = At.FINISH


class WakesAgain(Finishing):
    """The list is read, and not emptied: the next incarnation wakes those once more who have gone
    on long since."""

    def swap_deps(s, w: Worker) -> None:
        require(s.pc[w] == At.SWAP_DEPS and not s.locked[s.held[w]])
        i = s.held[w]
        if any(s.waits[i, k] for k in s.positions):
            s.pc[w] = At.RESUME
        else:
            s.pc[w] = At.FINISH
        s.woken[w, :] = s.waits[i, :]
        s.lowest[w] = s.n


class ResumedNotHandedOut(Finishing):
    """Resumed positions are ready, but the execution index is not lowered to them."""

    def resume_done(s, w: Worker) -> None:
        require(s.pc[w] == At.RESUME and all(not s.woken[w, k] for k in s.positions))
        s.pc[w] = At.RESUME_COUNT


class ResumeKeepsIncarnation(Finishing):
    """Who is resumed begins the same incarnation again, instead of the next one.

    Benign: A suspended incarnation has published nothing, so no other position knows its
    number; and its read set is emptied before it begins again."""

    def resume_one(s, w: Worker, k: Position) -> None:
        require(s.pc[w] == At.RESUME and s.woken[w, k])
        s.woken[w, k] = False
        s.status[k] = Status.READY
        s.lowest[w] = min(s.lowest[w], k)

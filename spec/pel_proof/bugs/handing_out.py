"""Bugs in handing out work, and in the done check. How a bug is written: `pel_proof.bugs`."""

from pel_spec.kernel import Worker, own, require
from pel_spec.scheduler.state import At, Status
from pel_spec.scheduler.tasks import DoneCheck, Tasks


class DoneAtFirstLook(DoneCheck):
    """The done check does not look again whether an index was lowered between its looks."""

    def cd_observe_again(s, w: Worker) -> int:
        require(s.pc[w] == At.CD_AGAIN)
        s.pc[w] = At.SET_DONE
        return s.dec_cnt


class ActiveLookedAtFirst(DoneCheck):
    """The done check looks at the count of active workers before it looks at the indices: a worker
    can enter, and take the last position, between the two."""

    def cd_observe(s, w: Worker) -> int:
        require(s.pc[w] == At.CD_OBSERVE)
        s.observed[w] = s.dec_cnt
        s.pc[w] = At.CD_ACTIVE
        return s.dec_cnt

    def cd_num_active(s, w: Worker) -> int:
        require(s.pc[w] == At.CD_ACTIVE)
        s.pc[w] = At.CD_EXEC if s.num_active == 0 else At.IDLE
        return s.num_active

    def cd_val_idx(s, w: Worker) -> int:
        require(s.pc[w] == At.CD_VAL)
        s.pc[w] = At.CD_AGAIN if s.val_idx >= s.n else At.IDLE
        return s.val_idx


class ActiveNotLookedAt(DoneCheck):
    """The done check looks at the two indices only: the last positions are still at work."""

    def cd_val_idx(s, w: Worker) -> int:
        require(s.pc[w] == At.CD_VAL)
        s.pc[w] = At.CD_AGAIN if s.val_idx >= s.n else At.IDLE
        return s.val_idx


class CountedAfterFetch(Tasks):
    """The validation index moves before the task is counted as active: in the gap an idle worker
    finds nothing left to do and nobody active, and a validation is still to come.

    Like: cosmos-sdk 26583."""

    took = own(initial=False)

    def val_enter(s, w: Worker) -> int:
        require(s.pc[w] == At.VAL_ENTER and not s.took[w])
        s.held[w] = s.val_idx
        s.val_idx += 1
        s.took[w] = True
        return s.held[w]

    def val_fetch(s, w: Worker) -> int:
        require(s.pc[w] == At.VAL_ENTER and s.took[w])
        s.ghost_enter(w)
        s.num_active += 1
        s.took[w] = False
        s.pc[w] = At.VAL_LOOK if s.held[w] < s.n else At.LEAVE
        return s.num_active - 1


class CountedOutTwice(Tasks):
    """Who finds a position not ready leaves the count at once, and then again on the way out."""

    def try_incarnate(s, w: Worker) -> int | None:
        require(s.pc[w] == At.TRY_INCARNATE)
        i = s.held[w]
        if s.status[i] != Status.READY:
            s.ghost_leave(w)
            s.num_active -= 1
            s.pc[w] = At.LEAVE
            return None
        s.status[i] = Status.EXECUTING
        s.held_inc[w] = s.inc[i]
        s.reads[i, s.inc[i], :] = False
        s.ghost_begin(i)
        s.pc[w] = At.EXECUTE
        return s.inc[i]


class FetchedInTwoSteps(Tasks):
    """The execution index is loaded, and stored with one more later on. A position can be given
    to two workers, and a decrease in between is undone."""

    took = own(initial=False)

    def exec_fetch(s, w: Worker) -> int:
        require(s.pc[w] == At.EXEC_FETCH and not s.took[w])
        s.held[w] = s.exec_idx
        s.took[w] = True
        return s.held[w]

    def exec_fetch_store(s, w: Worker) -> None:
        """The second step."""
        require(s.pc[w] == At.EXEC_FETCH and s.took[w])
        s.exec_idx = s.held[w] + 1
        s.took[w] = False
        s.pc[w] = At.TRY_INCARNATE if s.held[w] < s.n else At.LEAVE


class ValidationFetchedInTwoSteps(Tasks):
    """The validation index is loaded, and stored with one more later on: an abort that lowers it in
    between goes unheard.

    Like: grevm GREVM-006."""

    took = own(initial=False)

    def val_fetch(s, w: Worker) -> int:
        require(s.pc[w] == At.VAL_FETCH and not s.took[w])
        s.held[w] = s.val_idx
        s.took[w] = True
        return s.held[w]

    def val_fetch_store(s, w: Worker) -> None:
        """The second step."""
        require(s.pc[w] == At.VAL_FETCH and s.took[w])
        s.val_idx = s.held[w] + 1
        s.took[w] = False
        s.pc[w] = At.VAL_LOOK if s.held[w] < s.n else At.LEAVE


class EndLookedAtBeforeFetch(Tasks):
    """That there is a position left was seen before the index was moved, and is not looked at
    again: who is overtaken between the two gets a position past the end.

    Like: grevm GREVM-006."""

    def exec_fetch(s, w: Worker) -> int:
        require(s.pc[w] == At.EXEC_FETCH)
        s.held[w] = s.exec_idx
        s.exec_idx += 1
        s.pc[w] = At.TRY_INCARNATE
        return s.held[w]


class IncarnatedInTwoSteps(Tasks):
    """The status is looked at, and changed in another step: two workers execute one incarnation.

    Like: grevm GREVM-004."""

    saw_ready = own(initial=False)

    def try_incarnate(s, w: Worker) -> int | None:
        require(s.pc[w] == At.TRY_INCARNATE and not s.saw_ready[w])
        if s.status[s.held[w]] != Status.READY:
            s.pc[w] = At.LEAVE
            return None
        s.saw_ready[w] = True
        return s.inc[s.held[w]]

    def incarnate(s, w: Worker) -> None:
        """The second step."""
        require(s.pc[w] == At.TRY_INCARNATE and s.saw_ready[w])
        i = s.held[w]
        s.status[i] = Status.EXECUTING
        s.held_inc[w] = s.inc[i]
        s.reads[i, s.inc[i], :] = False
        s.ghost_begin(i)
        s.saw_ready[w] = False
        s.pc[w] = At.EXECUTE


class LeavesWithAVerdict(Tasks):
    """A validation leaves when the first of its reads is found as it was."""

    def leave(s, w: Worker) -> None:
        require(s.pc[w] == At.LEAVE or s.pc[w] == At.VALIDATE)
        s.ghost_leave(w)
        s.num_active -= 1
        s.pc[w] = At.LOAD_DONE


class ExecutionNeverChosen(Tasks):
    """Validation is always tried first, and it never gets to a position that is executed."""

    def prefer_exec_idx(s, w: Worker) -> int:
        require(s.pc[w] == At.PREFER_EXEC)
        s.pc[w] = At.CHOOSE_VALIDATION
        return s.exec_idx


class EntersWithoutWork(Tasks):
    """Who looks for work counts as active before there is any: two who look in turn never find
    nobody active, and the block is never done."""

    def choose_validation(s, w: Worker) -> int:
        require(s.pc[w] == At.CHOOSE_VALIDATION)
        s.pc[w] = At.VAL_ENTER
        return s.val_idx


class QuitsWithoutWork(Tasks):
    """Who finds nothing to do goes home, though the block is not done: whatever an abort brings is
    left to fewer and fewer workers."""

    def idle(s, w: Worker) -> None:
        require(s.pc[w] == At.IDLE)
        s.pc[w] = At.END_WORKER

"""Who does what: the worker's loop, the two ways to a task, and the done check. Algorithms 1, 4."""

from pel_spec.kernel import Worker, require
from pel_spec.scheduler.ghosts import Ghosts
from pel_spec.scheduler.state import At, Status


class Tasks(Ghosts):
    """Looking for work. Each action returns what it has observed, as a trace tells it."""

    def start_worker(s, w: Worker) -> None:
        """Algorithm 1, `run`."""
        require(s.pc[w] == At.START_WORKER)
        s.pc[w] = At.LOAD_DONE

    def load_done(s, w: Worker) -> bool:
        """Algorithm 1, the loop's condition."""
        require(s.pc[w] == At.LOAD_DONE)
        s.pc[w] = At.END_WORKER if s.done else At.PREFER_VAL
        return s.done

    def end_worker(s, w: Worker) -> None:
        """Algorithm 1: the block is done, and nobody is needed any more."""
        require(s.pc[w] == At.END_WORKER)
        s.pc[w] = At.ENDED

    def idle(s, w: Worker) -> None:
        """Algorithm 1: there was no task; look again."""
        require(s.pc[w] == At.IDLE)
        s.pc[w] = At.LOAD_DONE

    def prefer_val_idx(s, w: Worker) -> int:
        """Algorithm 4, `next_task`: the first of two loads, which need not be of one moment."""
        require(s.pc[w] == At.PREFER_VAL)
        s.preferred[w] = s.val_idx
        s.pc[w] = At.PREFER_EXEC
        return s.val_idx

    def prefer_exec_idx(s, w: Worker) -> int:
        """Algorithm 4, `next_task`: the lower index first. This is speed only: either is safe."""
        require(s.pc[w] == At.PREFER_EXEC)
        s.pc[w] = At.CHOOSE_VALIDATION if s.preferred[w] < s.exec_idx else At.CHOOSE_EXECUTION
        return s.exec_idx

    def choose_validation(s, w: Worker) -> int:
        """Algorithm 4, `next_version_to_validate`: without work a worker must not become active,
        or two that look for work in turn keep the block from ever being done."""
        require(s.pc[w] == At.CHOOSE_VALIDATION)
        s.pc[w] = At.VAL_ENTER if s.val_idx < s.n else At.CD_OBSERVE
        return s.val_idx

    def choose_execution(s, w: Worker) -> int:
        """Algorithm 4, `next_version_to_execute`: as `choose_validation`."""
        require(s.pc[w] == At.CHOOSE_EXECUTION)
        s.pc[w] = At.EXEC_ENTER if s.exec_idx < s.n else At.CD_OBSERVE
        return s.exec_idx

    def val_enter(s, w: Worker) -> int:
        """Algorithm 4: count as active *before* the index moves. Else the done check can find the
        index at its end and nobody active, while a validation is about to begin."""
        require(s.pc[w] == At.VAL_ENTER)
        s.ghost_enter(w)
        s.num_active += 1
        s.pc[w] = At.VAL_FETCH
        return s.num_active - 1

    def exec_enter(s, w: Worker) -> int:
        """Algorithm 4: as `val_enter`, for an execution."""
        require(s.pc[w] == At.EXEC_ENTER)
        s.ghost_enter(w)
        s.num_active += 1
        s.pc[w] = At.EXEC_FETCH
        return s.num_active - 1

    def val_fetch(s, w: Worker) -> int:
        """Algorithm 4: take the next position, in one step: a load and a later store would give
        it to two workers, or lose a decrease in between. Past the end others were faster."""
        require(s.pc[w] == At.VAL_FETCH)
        s.held[w] = s.val_idx
        s.val_idx += 1
        s.pc[w] = At.VAL_LOOK if s.held[w] < s.n else At.LEAVE
        return s.held[w]

    def exec_fetch(s, w: Worker) -> int:
        """Algorithm 4: as `val_fetch`, for an execution."""
        require(s.pc[w] == At.EXEC_FETCH)
        s.held[w] = s.exec_idx
        s.exec_idx += 1
        s.pc[w] = At.TRY_INCARNATE if s.held[w] < s.n else At.LEAVE
        return s.held[w]

    def val_look(s, w: Worker) -> int | None:
        """Algorithm 4, `next_version_to_validate`: only what is executed is validated. Whatever is
        not will be when it is: its worker, or a lowered index, sees to it."""
        require(s.pc[w] == At.VAL_LOOK)
        i = s.held[w]
        if s.status[i] != Status.EXECUTED:
            s.pc[w] = At.LEAVE
            return None
        s.held_inc[w] = s.inc[i]
        s.pc[w] = At.LOAD_READS
        return s.inc[i]

    def try_incarnate(s, w: Worker) -> int | None:
        """Algorithm 4, `try_incarnate`: look and change in one step, or two workers execute one
        incarnation, and write one version twice."""
        require(s.pc[w] == At.TRY_INCARNATE)
        i = s.held[w]
        if s.status[i] != Status.READY:
            s.pc[w] = At.LEAVE
            return None
        s.status[i] = Status.EXECUTING
        s.held_inc[w] = s.inc[i]
        s.reads[i, s.inc[i], :] = False
        s.ghost_begin(i)
        s.pc[w] = At.EXECUTE
        return s.inc[i]

    def leave(s, w: Worker) -> None:
        """Algorithms 4 and 5: no task, and none that follows from it; or, all reads of a version
        having been found as they were, its validation has passed. Leave before that, and the done
        check can come to its end while a verdict is pending."""
        require(s.pc[w] == At.LEAVE or (s.pc[w] == At.VALIDATE and not s.has_todo(w)))
        s.ghost_leave(w)
        s.num_active -= 1
        s.pc[w] = At.LOAD_DONE


class DoneCheck(Ghosts):
    """Algorithm 4, `check_done`: five separate loads, each of which can be overtaken."""

    def cd_observe(s, w: Worker) -> int:
        """The count of decreases, before the other looks."""
        require(s.pc[w] == At.CD_OBSERVE)
        s.observed[w] = s.dec_cnt
        s.pc[w] = At.CD_EXEC
        return s.dec_cnt

    def cd_exec_idx(s, w: Worker) -> int:
        """No position is left to execute, unless the index is lowered after this."""
        require(s.pc[w] == At.CD_EXEC)
        s.pc[w] = At.CD_VAL if s.exec_idx >= s.n else At.IDLE
        return s.exec_idx

    def cd_val_idx(s, w: Worker) -> int:
        """No position is left to validate, unless the index is lowered after this."""
        require(s.pc[w] == At.CD_VAL)
        s.pc[w] = At.CD_ACTIVE if s.val_idx >= s.n else At.IDLE
        return s.val_idx

    def cd_num_active(s, w: Worker) -> int:
        """Nobody is active. Looked at before the indices, this would say nothing: a worker can
        enter, and take the last position, between the two looks."""
        require(s.pc[w] == At.CD_ACTIVE)
        s.pc[w] = At.CD_AGAIN if s.num_active == 0 else At.IDLE
        return s.num_active

    def cd_observe_again(s, w: Worker) -> int:
        """The same count: neither index was lowered between the looks, so all of them hold
        together. Without this look, a whole abort fits in between."""
        require(s.pc[w] == At.CD_AGAIN)
        s.pc[w] = At.SET_DONE if s.observed[w] == s.dec_cnt else At.IDLE
        return s.dec_cnt

    def set_done(s, w: Worker) -> None:
        """The block is done. Here, all at once, every position counts as committed."""
        require(s.pc[w] == At.SET_DONE)
        s.done = True
        s.pc[w] = At.LOAD_DONE

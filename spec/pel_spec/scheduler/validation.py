"""A validation, an abort, and the rolling commit. Algorithms 1, 2, 3 and 5."""

from pel_spec.kernel import Place, Worker, Writer, require
from pel_spec.scheduler.ghosts import Ghosts
from pel_spec.scheduler.state import ESTIMATE, At, Status


class Validation(Ghosts):
    """Algorithm 1, `needs_reexecution`, and what follows from it."""

    def load_reads(s, w: Worker) -> int:
        """Algorithm 3, `validate_read_set`: the read set of the last recorded incarnation. If that
        is another one, its own worker or validator answers for it, and this one says nothing.

        Differs: decision 18. The paper validates whatever is recorded."""
        require(s.pc[w] == At.LOAD_READS)
        i, c = s.held[w], s.held_inc[w]
        if s.record_inc[i] == c:
            s.todo[w, :] = s.reads[i, c, :]
            s.pc[w] = At.VALIDATE
        else:
            s.pc[w] = At.LEAVE
        return s.record_inc[i]

    def check_read(s, w: Worker, x: Place, k: Writer) -> int:
        """Algorithm 3: look up one read again. By version, never by value: a value can come back.
        An ESTIMATE is not what was read, though its value may be: it is about to change."""
        require(s.pc[w] == At.VALIDATE and s.todo[w, x])
        i, c = s.held[w], s.held_inc[w]
        require(s.newest_below(k, i, x))
        if s.same_version(i, c, x, k):
            s.todo[w, x] = False
            s.ghost_checked(w, x)
        else:
            s.pc[w] = At.TRY_ABORT
        return s.mem[k, x]

    def try_validation_abort(s, w: Worker) -> bool:
        """Algorithm 4: one of its validators aborts a version. A stale verdict, about an earlier
        incarnation, must not: it would abort what nothing is known against."""
        require(s.pc[w] == At.TRY_ABORT)
        i = s.held[w]
        if s.status[i] != Status.EXECUTED or s.inc[i] != s.held_inc[w]:
            s.pc[w] = At.LEAVE
            return False
        s.status[i] = Status.ABORTING
        s.pc[w] = At.LOAD_ABORTED
        return True

    def load_aborted(s, w: Worker) -> int:
        """Algorithm 2, `convert_writes_to_estimates`: where did it write?"""
        require(s.pc[w] == At.LOAD_ABORTED)
        s.todo[w, :] = s.last_written[s.held[w], :]
        s.pc[w] = At.MARK
        return s.record_inc[s.held[w]]

    def mark_estimate(s, w: Worker, x: Place) -> None:
        """Algorithm 2: readers had better wait for the next incarnation, and validators of what was
        read here must fail."""
        require(s.pc[w] == At.MARK and s.todo[w, x])
        s.mem[s.held[w], x] = ESTIMATE
        s.todo[w, x] = False
        s.ghost_changed(s.held[w])

    def set_ready(s, w: Worker) -> None:
        """Algorithm 5, `set_ready_status`: when all is marked. Before that, the next incarnation
        would write what is then marked."""
        require(s.pc[w] == At.MARK and not s.has_todo(w))
        s.status[s.held[w]] = Status.READY
        s.inc[s.held[w]] += 1
        s.pc[w] = At.LOWER_ABORT

    def lower_after_abort(s, w: Worker) -> None:
        """Algorithm 5, `finish_validation`: all above may have read what was aborted."""
        require(s.pc[w] == At.LOWER_ABORT)
        s.val_idx = min(s.val_idx, s.held[w] + 1)
        s.pc[w] = At.ABORT_COUNT

    def lower_abort_count(s, w: Worker) -> int:
        """Algorithm 4, `decrease_validation_idx`: counted after, as in `resume_count`."""
        require(s.pc[w] == At.ABORT_COUNT)
        s.dec_cnt += 1
        s.pc[w] = At.RETRY
        return s.dec_cnt - 1

    def retry(s, w: Worker) -> int:
        """Algorithm 5, `finish_validation`: execution has gone past it, so nobody else will come.
        If it has not, somebody will."""
        require(s.pc[w] == At.RETRY)
        s.pc[w] = At.TRY_INCARNATE if s.exec_idx > s.held[w] else At.LEAVE
        return s.exec_idx


class Commit(Ghosts):
    """The rolling commit, which the paper leaves out: positions become final, lowest first, while
    others still execute. Any worker may do it in place of its next task. Whatever is below is
    final already, so each read is looked up once, at any time; and a verdict that is still pending
    against the version finds a status that it cannot abort."""

    def commit_next(s, w: Worker) -> int:
        """Take up the lowest position that is not committed."""
        require(s.pc[w] == At.LOAD_DONE)
        s.held[w] = s.committed
        if s.committed < s.n:
            s.pc[w] = At.COMMIT_LOOK
        return s.committed

    def commit_look(s, w: Worker) -> int | None:
        """Is it executed?"""
        require(s.pc[w] == At.COMMIT_LOOK)
        i = s.held[w]
        if s.status[i] != Status.EXECUTED:
            s.pc[w] = At.LOAD_DONE
            return None
        s.held_inc[w] = s.inc[i]
        s.pc[w] = At.COMMIT_LOAD
        return s.inc[i]

    def commit_load(s, w: Worker) -> int:
        """Its read set."""
        require(s.pc[w] == At.COMMIT_LOAD)
        i, c = s.held[w], s.held_inc[w]
        if s.record_inc[i] == c:
            s.todo[w, :] = s.reads[i, c, :]
            s.pc[w] = At.COMMIT_CHECK
        else:
            s.pc[w] = At.LOAD_DONE
        return s.record_inc[i]

    def commit_check(s, w: Worker, x: Place, k: Writer) -> int:
        """Look up one read again. If it has changed, this is left to the validators."""
        require(s.pc[w] == At.COMMIT_CHECK and s.todo[w, x])
        i, c = s.held[w], s.held_inc[w]
        require(s.newest_below(k, i, x))
        if s.same_version(i, c, x, k):
            s.todo[w, x] = False
            s.ghost_checked(w, x)
        else:
            s.pc[w] = At.LOAD_DONE
        return s.mem[k, x]

    def commit(s, w: Worker) -> bool:
        """If it is still the executed incarnation, it is final."""
        require(s.pc[w] == At.COMMIT_CHECK and not s.has_todo(w))
        i = s.held[w]
        if s.status[i] != Status.EXECUTED or s.inc[i] != s.held_inc[w]:
            s.pc[w] = At.LOAD_DONE
            return False
        s.status[i] = Status.COMMITTED
        s.pc[w] = At.COMMIT_ADVANCE
        return True

    def commit_advance(s, w: Worker) -> None:
        """The next one, please. Who commits a position, and nobody else, comes here."""
        require(s.pc[w] == At.COMMIT_ADVANCE)
        s.committed += 1
        s.pc[w] = At.LOAD_DONE

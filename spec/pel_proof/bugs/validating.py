"""Bugs in validation, in abort, and in the rolling commit."""

from pel_spec.kernel import BEFORE, Place, Worker, Writer, own, require
from pel_spec.scheduler.state import ESTIMATE, At, Status
from pel_spec.scheduler.validation import Commit, Validation


class FirstReadSetKept(Validation):
    """The read set of the first incarnation is looked up for all later ones."""

    def load_reads(s, w: Worker) -> int:
        require(s.pc[w] == At.LOAD_READS)
        i, c = s.held[w], s.held_inc[w]
        if s.record_inc[i] == c:
            s.todo[w, :] = s.reads[i, 0, :]
            s.pc[w] = At.VALIDATE
        else:
            s.pc[w] = At.LEAVE
        return s.record_inc[i]


class EstimateValidates(Validation):
    """A read whose version has become an ESTIMATE passes: its value is still the same."""

    def check_read(s, w: Worker, x: Place, k: Writer) -> int:
        require(s.pc[w] == At.VALIDATE and s.todo[w, x])
        i, c = s.held[w], s.held_inc[w]
        require(s.newest_below(k, i, x))
        if s.same_version(i, c, x, k) or (
            k != BEFORE and s.source[i, c, x] == k and s.mem[k, x] == ESTIMATE
        ):
            s.todo[w, x] = False
            s.ghost_checked(w, x)
        else:
            s.pc[w] = At.TRY_ABORT
        return s.mem[k, x]


class WriterAloneCompared(Validation):
    """A read passes if the same position wrote what is there now, whichever incarnation of it."""

    def check_read(s, w: Worker, x: Place, k: Writer) -> int:
        require(s.pc[w] == At.VALIDATE and s.todo[w, x])
        i, c = s.held[w], s.held_inc[w]
        require(s.newest_below(k, i, x))
        if s.source[i, c, x] == k and (k == BEFORE or s.mem[k, x] != ESTIMATE):
            s.todo[w, x] = False
            s.ghost_checked(w, x)
        else:
            s.pc[w] = At.TRY_ABORT
        return s.mem[k, x]


class StaleAbort(Validation):
    """Whoever is executed is aborted, whichever incarnation the verdict was about."""

    def try_validation_abort(s, w: Worker) -> bool:
        require(s.pc[w] == At.TRY_ABORT)
        i = s.held[w]
        if s.status[i] != Status.EXECUTED:
            s.pc[w] = At.LEAVE
            return False
        s.status[i] = Status.ABORTING
        s.pc[w] = At.LOAD_ABORTED
        return True


class AbortedInTwoSteps(Validation):
    """The status is looked at, and changed in another step: two validators abort one version."""

    saw_executed = own(initial=False)

    def try_validation_abort(s, w: Worker) -> bool:
        require(s.pc[w] == At.TRY_ABORT and not s.saw_executed[w])
        i = s.held[w]
        if s.status[i] != Status.EXECUTED or s.inc[i] != s.held_inc[w]:
            s.pc[w] = At.LEAVE
            return False
        s.saw_executed[w] = True
        return True

    def abort(s, w: Worker) -> None:
        """The second step."""
        require(s.pc[w] == At.TRY_ABORT and s.saw_executed[w])
        s.status[s.held[w]] = Status.ABORTING
        s.saw_executed[w] = False
        s.pc[w] = At.LOAD_ABORTED


class NoEstimate(Validation):
    """Aborted writes are not marked: they are read, and validated, until they are replaced."""

    def load_aborted(s, w: Worker) -> int:
        require(s.pc[w] == At.LOAD_ABORTED)
        s.todo[w, :] = False
        s.pc[w] = At.MARK
        return s.record_inc[s.held[w]]


class ReadyBeforeMarked(Validation):
    """What is aborted is ready at once, and marked after that: so is what the next incarnation has
    written meanwhile."""

    def try_validation_abort(s, w: Worker) -> bool:
        require(s.pc[w] == At.TRY_ABORT)
        i = s.held[w]
        if s.status[i] != Status.EXECUTED or s.inc[i] != s.held_inc[w]:
            s.pc[w] = At.LEAVE
            return False
        s.status[i] = Status.READY
        s.inc[i] += 1
        s.pc[w] = At.LOAD_ABORTED
        return True

    def set_ready(s, w: Worker) -> None:
        require(s.pc[w] == At.MARK and not s.has_todo(w))
        s.pc[w] = At.LOWER_ABORT


class AbortKeepsIncarnation(Validation):
    """What was aborted is executed again under the same version: who has read the old one finds it
    unchanged (ABA)."""

    def set_ready(s, w: Worker) -> None:
        require(s.pc[w] == At.MARK and not s.has_todo(w))
        s.status[s.held[w]] = Status.READY
        s.pc[w] = At.LOWER_ABORT


class AbortLowersNothing(Validation):
    """The validation index is not lowered after an abort: who read what was aborted stays valid."""

    def lower_after_abort(s, w: Worker) -> None:
        require(s.pc[w] == At.LOWER_ABORT)
        s.pc[w] = At.ABORT_COUNT


class AbortLowersTooLittle(Validation):
    """After an abort validation begins again two positions above it instead of one."""

    def lower_after_abort(s, w: Worker) -> None:
        require(s.pc[w] == At.LOWER_ABORT)
        s.val_idx = min(s.val_idx, s.held[w] + 2)
        s.pc[w] = At.ABORT_COUNT


class NoRetry(Validation):
    """Who aborts does not see to it that what is ready again is taken up."""

    def retry(s, w: Worker) -> int:
        require(s.pc[w] == At.RETRY)
        s.pc[w] = At.LEAVE
        return s.exec_idx


class RetryTakesItUnasked(Validation):
    """Who has aborted executes what it made ready, without a look whether somebody else does."""

    def retry(s, w: Worker) -> int:
        require(s.pc[w] == At.RETRY)
        if s.exec_idx > s.held[w]:
            i = s.held[w]
            s.status[i] = Status.EXECUTING
            s.held_inc[w] = s.inc[i]
            s.reads[i, s.inc[i], :] = False
            s.ghost_begin(i)
            s.pc[w] = At.EXECUTE
        else:
            s.pc[w] = At.LEAVE
        return s.exec_idx


class CommitChecksNothing(Commit):
    """The lowest executed position is committed as it is, whatever it has read."""

    def commit_load(s, w: Worker) -> int:
        require(s.pc[w] == At.COMMIT_LOAD)
        s.todo[w, :] = False
        s.pc[w] = At.COMMIT_CHECK
        return s.record_inc[s.held[w]]


class InvalidIsFlushed(Commit):
    """A read that has changed does not keep its position from being committed.

    Like: erigon 21667."""

    def commit_check(s, w: Worker, x: Place, k: Writer) -> int:
        require(s.pc[w] == At.COMMIT_CHECK and s.todo[w, x])
        require(s.newest_below(k, s.held[w], x))
        s.todo[w, x] = False
        return s.mem[k, x]


class CommitsWhatIsThere(Commit):
    """What is committed need not be the incarnation whose reads were looked up."""

    def commit(s, w: Worker) -> bool:
        require(s.pc[w] == At.COMMIT_CHECK and not s.has_todo(w))
        i = s.held[w]
        if s.status[i] != Status.EXECUTED:
            s.pc[w] = At.LOAD_DONE
            return False
        s.status[i] = Status.COMMITTED
        s.pc[w] = At.COMMIT_ADVANCE
        return True


class CommitsWithoutALook(Commit):
    """The status was looked at before the reads were, and is then only set: what a validator aborts
    in between is committed.

    Like: grevm GREVM-004."""

    def commit(s, w: Worker) -> bool:
        require(s.pc[w] == At.COMMIT_CHECK and not s.has_todo(w))
        s.status[s.held[w]] = Status.COMMITTED
        s.pc[w] = At.COMMIT_ADVANCE
        return True


class CommitsOutOfOrder(Commit):
    """Where the lowest position is not executed yet, the next one is committed."""

    def commit_look(s, w: Worker) -> int | None:
        require(s.pc[w] == At.COMMIT_LOOK)
        i = s.held[w]
        if s.status[i] != Status.EXECUTED:
            s.held[w] += 1
            s.pc[w] = At.COMMIT_LOOK if s.held[w] < s.n else At.LOAD_DONE
            return None
        s.held_inc[w] = s.inc[i]
        s.pc[w] = At.COMMIT_LOAD
        return s.inc[i]


class AbortLowersToItself(Validation):
    """After an abort validation begins again at what was aborted, not above it.

    Benign: It is not executed then, or it is the next incarnation: one useless look."""

    def lower_after_abort(s, w: Worker) -> None:
        require(s.pc[w] == At.LOWER_ABORT)
        s.val_idx = min(s.val_idx, s.held[w])
        s.pc[w] = At.ABORT_COUNT


class OldReadsLookedUp(Validation):
    """It is not asked whether the version that is validated is still the one that was recorded.

    Benign: The read set of an earlier incarnation is looked up in vain: a verdict about it
    aborts nothing, as the versions are compared once more when the status is changed."""

    def load_reads(s, w: Worker) -> int:
        require(s.pc[w] == At.LOAD_READS)
        s.todo[w, :] = s.reads[s.held[w], s.held_inc[w], :]
        s.pc[w] = At.VALIDATE
        return s.record_inc[s.held[w]]

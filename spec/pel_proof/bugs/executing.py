"""Bugs while a transition runs: its reads, its suspension, and how it is recorded."""

from pel_spec.kernel import Place, Places, Worker, Writer, own, require
from pel_spec.scheduler.execution import Finishing, Reading, Recording
from pel_spec.scheduler.state import ESTIMATE, At, Status


class EstimateIsAVersion(Reading):
    """An ESTIMATE is read like any other entry, and the read is recorded."""

    def read_cell(s, w: Worker, x: Place, k: Writer) -> int:
        require(s.pc[w] == At.EXECUTE)
        i, c = s.held[w], s.held_inc[w]
        require(not s.reads[i, c, x] and s.newest_below(k, i, x))
        s.reads[i, c, x] = True
        s.source[i, c, x] = k
        s.source_inc[i, c, x] = s.mem[k, x]
        return s.mem[k, x]


class EstimateIsSkipped(Reading):
    """A read looks past an ESTIMATE, at what is below: it cannot be valid, and is known not to be.
    Safe, as it is validated; but an incarnation can be aborted though nothing below it changed, so
    that nothing bounds how often."""

    def read_cell(s, w: Worker, x: Place, k: Writer) -> int:
        require(s.pc[w] == At.EXECUTE)
        i, c = s.held[w], s.held_inc[w]
        require(not s.reads[i, c, x] and -1 <= k < i and (k == -1 or s.mem[k, x] > ESTIMATE))
        require(all(s.mem[j, x] <= ESTIMATE for j in s.positions if k < j < i))
        s.reads[i, c, x] = True
        s.source[i, c, x] = k
        s.source_inc[i, c, x] = s.mem[k, x]
        return s.mem[k, x]


class ReadsItsOwnPosition(Reading):
    """A read sees up to its own position: a later incarnation meets the ESTIMATE that an earlier
    one has left there, and waits for itself."""

    def read_cell(s, w: Worker, x: Place, k: Writer) -> int:
        require(s.pc[w] == At.EXECUTE)
        i, c = s.held[w], s.held_inc[w]
        require(not s.reads[i, c, x] and s.newest_below(k, i + 1, x))
        if k >= 0 and s.mem[k, x] == ESTIMATE:
            s.blocking[w] = k
            s.pc[w] = At.READ_ESTIMATE
        else:
            s.reads[i, c, x] = True
            s.source[i, c, x] = k
            s.source_inc[i, c, x] = s.mem[k, x]
        return s.mem[k, x]


class LooksBeforeItLocks(Reading):
    """Whether the blocking position has been executed is seen before its list is locked: its worker
    takes the list in between, and nobody wakes who is then listed."""

    looked = own(initial=False)

    def read_estimate(s, w: Worker) -> None:
        require(s.pc[w] == At.READ_ESTIMATE and not s.looked[w])
        if s.finished(s.blocking[w]):
            s.pc[w] = At.EXECUTE
        else:
            s.looked[w] = True

    def look_blocking(s, w: Worker) -> bool:
        require(s.pc[w] == At.READ_ESTIMATE and s.looked[w] and not s.locked[s.blocking[w]])
        s.locked[s.blocking[w]] = True
        s.looked[w] = False
        s.pc[w] = At.MARK_SUSPENDED
        return False


class WaitsForWhatIsThere(Reading):
    """It does not look whether the blocking position has been executed meanwhile."""

    def look_blocking(s, w: Worker) -> bool:
        require(s.pc[w] == At.LOOK_BLOCKING)
        s.pc[w] = At.MARK_SUSPENDED
        return False


class StaysLocked(Reading):
    """Where there is nothing to wait for, the list is not unlocked again: the blocking position
    never gets at it, and whoever reads there waits for the lock."""

    def stay(s, w: Worker) -> None:
        require(s.pc[w] == At.STAY)
        i = s.held[w]
        s.reads[i, s.held_inc[w], :] = False
        s.ghost_begin(i)
        s.pc[w] = At.EXECUTE


class SuspendedAfterListing(Reading):
    """Listed first, and given up after that: it may be resumed in between, and is then set to
    aborting, which it stays for ever."""

    def mark_suspended(s, w: Worker) -> None:
        require(s.pc[w] == At.MARK_SUSPENDED)
        s.waits[s.blocking[w], s.held[w]] = True
        s.locked[s.blocking[w]] = False
        s.pc[w] = At.SUSPEND

    def suspend(s, w: Worker) -> None:
        require(s.pc[w] == At.SUSPEND)
        s.status[s.held[w]] = Status.ABORTING
        s.pc[w] = At.LEAVE


class UnlockedBeforeListing(Reading):
    """The lock covers the look, but not the entry into the list: a lost wake-up."""

    def mark_suspended(s, w: Worker) -> None:
        require(s.pc[w] == At.MARK_SUSPENDED)
        s.status[s.held[w]] = Status.ABORTING
        s.locked[s.blocking[w]] = False
        s.pc[w] = At.SUSPEND

    def suspend(s, w: Worker) -> None:
        require(s.pc[w] == At.SUSPEND)
        s.waits[s.blocking[w], s.held[w]] = True
        s.pc[w] = At.LEAVE


class WaitsInTwoLists(Reading):
    """A suspended position is listed with two others: the later wake-up finds it long gone on, and
    makes ready what is being executed, or aborted.

    Like: nethermind 9803."""

    def suspend(s, w: Worker) -> None:
        require(s.pc[w] == At.SUSPEND)
        s.waits[s.blocking[w], s.held[w]] = True
        s.waits[0, s.held[w]] = True
        s.locked[s.blocking[w]] = False
        s.pc[w] = At.LEAVE


class SuspensionForgetsWrites(Reading):
    """A suspended incarnation is taken for one that wrote nothing: what the last executed one wrote
    is not removed any more, and stays in memory as an ESTIMATE."""

    def mark_suspended(s, w: Worker) -> None:
        require(s.pc[w] == At.MARK_SUSPENDED)
        s.status[s.held[w]] = Status.ABORTING
        s.last_written[s.held[w], :] = False
        s.pc[w] = At.SUSPEND


class LastLocationIsNews(Recording):
    """Whether anything new was written is decided by the last location alone."""

    def write_cell(s, w: Worker, x: Place) -> None:
        require(s.pc[w] == At.RECORD and s.todo[w, x])
        s.mem[s.held[w], x] = s.held_inc[w]
        s.wrote_new[w] = not s.before[w, x]
        s.todo[w, x] = False
        s.ghost_changed(s.held[w])


class RemovedLocationLeft(Recording):
    """A location that the last incarnation wrote and this one does not is left in memory."""

    def remove_cell(s, w: Worker, x: Place) -> None:
        require(False)

    def record_done(s, w: Worker) -> None:
        require(s.pc[w] == At.RECORD)
        require(all(not s.todo[w, x] for x in s.locations))
        i = s.held[w]
        s.record_inc[i] = s.held_inc[w]
        s.last_written[i, :] = s.writes[w, :]
        s.pc[w] = At.PUBLISH


class WrittenOnceWrittenEver(Recording):
    """`last_written` grows, and never forgets what was removed: a location that is written again
    after two incarnations is no news, and those who read past it are not looked at again."""

    def write_cell(s, w: Worker, x: Place) -> None:
        require(s.pc[w] == At.RECORD and s.todo[w, x])
        s.mem[s.held[w], x] = s.held_inc[w]
        s.wrote_new[w] = s.wrote_new[w] or not s.before[w, x]
        s.last_written[s.held[w], x] = True
        s.todo[w, x] = False
        s.ghost_changed(s.held[w])

    def record_done(s, w: Worker) -> None:
        require(s.pc[w] == At.RECORD)
        require(all(not s.todo[w, x] for x in s.locations))
        require(all(s.writes[w, x] for x in s.locations if s.before[w, x]))
        s.record_inc[s.held[w]] = s.held_inc[w]
        s.pc[w] = At.PUBLISH


class FirstWritesKept(Recording):
    """`last_written` is set by the first incarnation, and stays as it was then."""

    def record_done(s, w: Worker) -> None:
        require(s.pc[w] == At.RECORD)
        require(all(not s.todo[w, x] for x in s.locations))
        require(all(s.writes[w, x] for x in s.locations if s.before[w, x]))
        i = s.held[w]
        if s.record_inc[i] < 0:
            s.last_written[i, :] = s.writes[w, :]
        s.record_inc[i] = s.held_inc[w]
        s.pc[w] = At.PUBLISH


class PublishedBeforeRecorded(Recording, Finishing):
    """The status says executed before memory and record do: a validator finds the read set of an
    earlier incarnation, and an aborter marks what is then written."""

    def load_written(s, w: Worker, writes: Places) -> int:
        require(s.pc[w] == At.EXECUTE)
        i = s.held[w]
        s.writes[w, :] = writes
        s.todo[w, :] = writes
        s.before[w, :] = s.last_written[i, :]
        s.wrote_new[w] = False
        s.pc[w] = At.PUBLISH
        return s.record_inc[i]

    def publish(s, w: Worker) -> None:
        require(s.pc[w] == At.PUBLISH)
        s.status[s.held[w]] = Status.EXECUTED
        s.ghost_answered(w)
        s.pc[w] = At.RECORD

    def record_done(s, w: Worker) -> None:
        require(s.pc[w] == At.RECORD)
        require(all(not s.todo[w, x] for x in s.locations))
        require(all(s.writes[w, x] for x in s.locations if s.before[w, x]))
        i = s.held[w]
        s.record_inc[i] = s.held_inc[w]
        s.last_written[i, :] = s.writes[w, :]
        s.pc[w] = At.SWAP_DEPS


class EveryWriteIsNews(Recording):
    """All above are validated after each execution, whether it wrote anywhere new or not.

    Benign: Validation is only begun earlier than it need be, and never later."""

    def write_cell(s, w: Worker, x: Place) -> None:
        require(s.pc[w] == At.RECORD and s.todo[w, x])
        s.mem[s.held[w], x] = s.held_inc[w]
        s.wrote_new[w] = True
        s.todo[w, x] = False
        s.ghost_changed(s.held[w])

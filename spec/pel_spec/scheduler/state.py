"""Block-STM: what is shared, what each worker keeps to itself, and where a worker stands.

    status of a position (Algorithm 4)                                 +--------------> COMMITTED
                                                                       | commit
      READY --try_incarnate--> EXECUTING --publish--> EXECUTED --------+
        ^                          |                      |
        |                          | mark_suspended       | try_validation_abort
        |                          v                      v
        +--resume_one---------- ABORTING              ABORTING
        +--set_ready----------------------------------+
      (both with the next incarnation)

A cell of the multi-version memory, for a position and a location, holds the incarnation that wrote
it, or `ESTIMATE` if that was aborted and its successor is expected to write there again, or
`ABSENT`. Values are not in it: a version (position, incarnation) is written once, so comparing
versions is all that validation does.
"""

from enum import IntEnum, auto

from pel_spec.kernel import (
    BEFORE,
    Incarnation,
    Place,
    Position,
    State,
    Worker,
    Writer,
    log,
    own,
    shared,
)

ABSENT, ESTIMATE = -2, -1


class Status(IntEnum):
    """Of a position, together with the number of its incarnation."""

    READY = auto()
    EXECUTING = auto()
    EXECUTED = auto()
    ABORTING = auto()
    COMMITTED = auto()


class At(IntEnum):
    """Where a worker stands: the action that comes next, or the first of those that may. Their
    order is used: from `VAL_FETCH` on a worker is active, from `EXECUTE` on it has a version."""

    START_WORKER = auto()
    LOAD_DONE = auto()
    IDLE = auto()
    PREFER_VAL = auto()
    PREFER_EXEC = auto()
    CHOOSE_VALIDATION = auto()
    CHOOSE_EXECUTION = auto()
    VAL_ENTER = auto()
    EXEC_ENTER = auto()
    CD_OBSERVE = auto()
    CD_EXEC = auto()
    CD_VAL = auto()
    CD_ACTIVE = auto()
    CD_AGAIN = auto()
    SET_DONE = auto()
    END_WORKER = auto()
    ENDED = auto()
    COMMIT_LOOK = auto()
    COMMIT_LOAD = auto()
    COMMIT_CHECK = auto()  # or commit
    COMMIT_ADVANCE = auto()
    VAL_FETCH = auto()
    EXEC_FETCH = auto()
    VAL_LOOK = auto()
    TRY_INCARNATE = auto()
    LEAVE = auto()
    EXECUTE = auto()  # read_cell, load_written
    READ_ESTIMATE = auto()
    LOOK_BLOCKING = auto()
    STAY = auto()
    MARK_SUSPENDED = auto()
    RECORD = auto()  # write_cell, remove_cell, record_done
    PUBLISH = auto()
    SUSPEND = auto()
    SWAP_DEPS = auto()
    RESUME = auto()  # resume_one, resume_done
    RESUME_COUNT = auto()
    FINISH = auto()
    LOWER = auto()
    LOWER_COUNT = auto()
    LOAD_READS = auto()
    VALIDATE = auto()  # check_read, leave
    TRY_ABORT = auto()
    LOAD_ABORTED = auto()
    MARK = auto()  # mark_estimate, set_ready
    LOWER_ABORT = auto()
    ABORT_COUNT = auto()
    RETRY = auto()


class SchedulerState(State):
    """The fields, and what is said of several of them again and again."""

    # The two indices, the count of their decreases, the count of active workers (Algorithm 4).
    exec_idx = shared("exec_idx", initial=0)
    val_idx = shared("val_idx", initial=0)
    dec_cnt = shared("dec_cnt", initial=0)
    num_active = shared("num_active", initial=0)
    done = shared("done", initial=False)
    committed = shared("committed", initial=0)
    # Of each position: its status; who waits for it, with that list's lock; its last execution.
    status = shared("status", "Position", initial=Status.READY)
    inc = shared("status", "Position", initial=0)
    waits = shared("dependents", "Position", "Position", initial=False)
    locked = shared("dependents", "Position", initial=False)
    record_inc = shared("record", "Position", initial=-1)
    last_written = shared("record", "Position", "Place", initial=False)
    # Multi-version memory: the cell of a location holds the entries of all positions (Algorithm 2).
    mem = shared("cell", "Position", "Place", initial=ABSENT)
    # The read set of each incarnation: whether a location was read, and the version that was found.
    reads = log("Position", "Incarnation", "Place", initial=False)
    source = log("Position", "Incarnation", "Place", initial=BEFORE)
    source_inc = log("Position", "Incarnation", "Place")
    # Of each worker: where it stands, the version it has, what it has loaded and not yet used.
    pc = own(initial=At.START_WORKER)
    held = own()
    held_inc = own()
    preferred = own()
    observed = own()
    blocking = own()
    lowest = own()
    wrote_new = own(initial=False)
    writes = own("Place", initial=False)
    before = own("Place", initial=False)
    todo = own("Place", initial=False)
    woken = own("Position", initial=False)

    def newest_below(s, k: Writer, i: Position, x: Place) -> bool:
        """Is `k` the last position below `i` that has an entry at `x`, or is there none?"""
        return (
            BEFORE <= k < i
            and (k == BEFORE or s.mem[k, x] != ABSENT)
            and all(s.mem[j, x] == ABSENT for j in s.positions if k < j < i)
        )

    def same_version(s, i: Position, c: Incarnation, x: Place, k: Writer) -> bool:
        """Is the entry of `k` what incarnation `c` of `i` has read at `x`? An ESTIMATE is not."""
        return s.source[i, c, x] == k and (k == BEFORE or s.mem[k, x] == s.source_inc[i, c, x])

    def still_valid(s, i: Position, c: Incarnation, x: Place) -> bool:
        """Would reading `x` give incarnation `c` of `i` the same version again?"""
        k = s.source[i, c, x]
        return (k == BEFORE or s.mem[k, x] == s.source_inc[i, c, x]) and all(
            s.mem[j, x] == ABSENT for j in s.positions if k < j < i
        )

    def finished(s, i: Position) -> bool:
        """Has the present incarnation of `i` been executed, and not been aborted?"""
        return s.status[i] in (Status.EXECUTED, Status.COMMITTED)

    def entry_of(s, i: Position, c: Incarnation, x: Place) -> int:
        """What incarnation `c` of `i`, once recorded, has in memory at `x`."""
        return c if s.last_written[i, x] else ABSENT

    def active(s, w: Worker) -> bool:
        """Does `w` count in `num_active`?"""
        return s.pc[w] >= At.VAL_FETCH

    def executes(s, w: Worker) -> bool:
        """Does `w` own a position that is executing?"""
        return At.EXECUTE <= s.pc[w] <= At.PUBLISH

    def gives_up(s, w: Worker) -> bool:
        """Does `w` own a position that is aborting?"""
        return s.pc[w] in (At.SUSPEND, At.LOAD_ABORTED, At.MARK)

    def has_todo(s, w: Worker) -> bool:
        """Is there a location that `w` still has to look at?"""
        return any(s.todo[w, x] for x in s.locations)

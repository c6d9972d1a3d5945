"""What progress and the committed prefix are about, in plain Python, as the text itself.

These words are not needed to run Block-STM, nor to see that it is right: they say how far it is.
They are lifted as the text is, and they run on native states, so tests can count on real runs what
the proofs say of all.
"""

from pel_spec.kernel import Place, Position, Worker
from pel_spec.scheduler.predicates import Predicates
from pel_spec.scheduler.state import ESTIMATE, At, Status


class Todo(Predicates):
    """What a worker has still to go through where it stands: finite, and only it makes it less."""

    def unread(s, w: Worker, x: Place) -> bool:
        """The transition has not read this location. It may, once."""
        return s.pc[w] == At.EXECUTE and not s.reads[s.held[w], s.held_inc[w], x]

    def unrecorded(s, w: Worker, x: Place) -> bool:
        """An entry to be written."""
        return s.pc[w] == At.RECORD and s.todo[w, x]

    def unremoved(s, w: Worker, x: Place) -> bool:
        """An entry to be taken away."""
        return s.pc[w] == At.RECORD and s.before[w, x] and not s.writes[w, x]

    def unchecked(s, w: Worker, x: Place) -> bool:
        """A read to be looked up again."""
        return s.pc[w] in (At.VALIDATE, At.COMMIT_CHECK) and s.todo[w, x]

    def unmarked(s, w: Worker, x: Place) -> bool:
        """An entry to be marked."""
        return s.pc[w] == At.MARK and s.todo[w, x]

    def unwoken(s, w: Worker, k: Position) -> bool:
        """A position to be made ready."""
        return s.pc[w] == At.RESUME and s.woken[w, k]


class Accounts(Predicates):
    """Permits. Each is there or not; a step of some kind takes it, and only steps of other kinds
    give it back. (`ledger` says which: so the former are not more than the latter, plus one.)
    What is said of a worker `w` is its own; what is said of `u`, others change too."""

    def may_begin(s, i: Position) -> bool:
        """An incarnation of `i` may begin."""
        return s.status[i] == Status.READY

    def may_make_ready(s, w: Worker, i: Position) -> bool:
        """`w` aborts `i`."""
        return s.pc[w] in (At.LOAD_ABORTED, At.MARK) and s.held[w] == i

    def may_wake(s, w: Worker, i: Position) -> bool:
        """`w` wakes `i`."""
        return s.woken[w, i]

    def may_fail(s, i: Position) -> bool:
        """The incarnation of `i` runs or is executed, and an entry below has changed since it
        began: it may be aborted, or begun again."""
        return s.status[i] in (Status.EXECUTING, Status.EXECUTED) and s.moved(i)

    def may_write(s, w: Worker, i: Position, x: Place) -> bool:
        """`w` executes `i`, and has not written its entry at `x`."""
        return s.held[w] == i and (
            At.EXECUTE <= s.pc[w] <= At.MARK_SUSPENDED or (s.pc[w] == At.RECORD and s.todo[w, x])
        )

    def may_remove(s, w: Worker, i: Position, x: Place) -> bool:
        """`w` executes `i`, and has not removed its entry at `x`."""
        return s.held[w] == i and (
            At.EXECUTE <= s.pc[w] <= At.MARK_SUSPENDED or (s.pc[w] == At.RECORD and s.before[w, x])
        )

    def may_mark(s, w: Worker, i: Position, x: Place) -> bool:
        """`w` aborts `i`, and has not marked its entry at `x`."""
        return s.held[w] == i and (
            s.pc[w] == At.LOAD_ABORTED or (s.pc[w] == At.MARK and s.todo[w, x])
        )

    def may_lock(s, w: Worker, i: Position) -> bool:
        """`w` executes `i`, and may still meet an ESTIMATE."""
        return s.held[w] == i and s.pc[w] in (At.EXECUTE, At.READ_ESTIMATE)

    def may_publish(s, w: Worker, i: Position) -> bool:
        """`w` executes `i`."""
        return s.held[w] == i and s.executes(w)

    def may_take(s, w: Worker, i: Position) -> bool:
        """`w` has published `i`, and not yet taken the list of those who wait for it."""
        return s.held[w] == i and s.pc[w] == At.SWAP_DEPS

    def may_lower_exec(s, w: Worker, i: Position) -> bool:
        """`w` has taken that list, and makes those who are in it ready."""
        return s.held[w] == i and s.pc[w] == At.RESUME

    def may_lower_val(s, w: Worker, i: Position) -> bool:
        """`w` has published `i`, and not decided who has to know."""
        return s.held[w] == i and At.SWAP_DEPS <= s.pc[w] <= At.LOWER

    def may_lower_after_abort(s, w: Worker, i: Position) -> bool:
        """`w` aborts `i`, and has not lowered the index."""
        return s.held[w] == i and s.pc[w] in (At.LOAD_ABORTED, At.MARK, At.LOWER_ABORT)

    def may_fetch_exec(s, i: Position) -> bool:
        """`i` is still to be handed out for execution."""
        return s.exec_idx <= i

    def may_fetch_val(s, i: Position) -> bool:
        """`i` is still to be handed out for validation."""
        return s.val_idx <= i

    def may_miss_exec(s, u: Worker) -> bool:
        """`u` may find, or has found, a position to execute, of which others may be faster."""
        return s.exec_idx < s.n or s.pc[u] in (At.EXEC_ENTER, At.EXEC_FETCH)

    def may_miss_val(s, u: Worker) -> bool:
        """As `may_miss_exec`, to validate."""
        return s.val_idx < s.n or s.pc[u] in (At.VAL_ENTER, At.VAL_FETCH)

    def may_start_exec(s, w: Worker) -> bool:
        """`w` has fetched what it started to fetch."""
        return s.pc[w] not in (At.EXEC_ENTER, At.EXEC_FETCH)

    def may_start_val(s, w: Worker) -> bool:
        """As `may_start_exec`."""
        return s.pc[w] not in (At.VAL_ENTER, At.VAL_FETCH)

    def may_commit(s, i: Position) -> bool:
        """`i` is not committed."""
        return s.status[i] != Status.COMMITTED

    def may_say_done(s, u: Worker) -> bool:
        """`u` has not seen that the block is done, nor is about to see it."""
        return not s.done or not (
            s.pc[u] in (At.LOAD_DONE, At.END_WORKER, At.ENDED)
            or At.COMMIT_LOOK <= s.pc[u] <= At.COMMIT_ADVANCE
        )


class Stages(Predicates):
    """How far a position, or the block, has come, for good."""

    def settled(s, i: Position) -> bool:
        """`i` is finished, reads what it has read, and nobody is about to abort it; or else it is
        committed."""
        return (
            s.finished(i)
            and all(s.still_valid(i, s.inc[i], x) for x in s.locations if s.reads[i, s.inc[i], x])
            and (
                s.status[i] == Status.COMMITTED
                or all(
                    s.held[w] != i or s.held_inc[w] != s.inc[i]
                    for w in s.workers
                    if s.pc[w] == At.TRY_ABORT
                )
            )
        )

    def steady(s, i: Position) -> bool:
        """The incarnation of `i` runs or is executed, nothing below has changed since it began, and
        its worker has met no ESTIMATE."""
        return (
            s.status[i] in (Status.EXECUTING, Status.EXECUTED, Status.COMMITTED)
            and not s.moved(i)
            and all(
                s.held[w] != i
                for w in s.workers
                if At.READ_ESTIMATE <= s.pc[w] <= At.MARK_SUSPENDED
            )
        )

    def calm(s) -> bool:
        """Nobody is active, nobody is about to be, and there is nothing to be active for."""
        return (
            s.exec_idx >= s.n
            and s.val_idx >= s.n
            and all(not s.active(w) for w in s.workers)
            and all(s.pc[w] not in (At.VAL_ENTER, At.EXEC_ENTER) for w in s.workers)
        )

    def shows_no_estimate(s, i: Position) -> bool:
        """No entry of `i` is an ESTIMATE."""
        return all(s.mem[i, x] != ESTIMATE for x in s.locations)

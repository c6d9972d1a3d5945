"""The invariants about who has what: positions, lists, and that nobody is forgotten.

None of the invariants has to be believed: they are proved, and the theorem from them. Each says in
its docstring what goes wrong where it does not hold, or what needs it.
"""

from pel_spec.scheduler.predicates import Predicates
from pel_spec.scheduler.state import ABSENT, At, Status


class Ownership(Predicates):
    """Who has what, and that nobody else has it."""

    def ranges(s) -> bool:
        """Numbers are where they can be; needed wherever an index is used."""
        return (
            s.exec_idx >= 0
            and s.val_idx >= 0
            and s.num_active >= 0
            and 0 <= s.committed <= s.n
            and all(Status.READY <= s.status[i] <= Status.COMMITTED for i in s.positions)
            and all(s.inc[i] >= 0 for i in s.positions)
            and all(s.mem[i, x] >= ABSENT for i in s.positions for x in s.locations)
        )

    def held_versions(s) -> bool:
        """What a worker has is of this block, and of no incarnation that is yet to come."""
        return (
            all(
                0 <= s.held[w] < s.n
                for w in s.workers
                if s.has_version(w) or s.pc[w] in (At.VAL_LOOK, At.TRY_INCARNATE, At.COMMIT_LOOK)
            )
            and all(0 <= s.held_inc[w] <= s.inc[s.held[w]] for w in s.workers if s.has_version(w))
            and all(s.lowest[w] >= 0 for w in s.workers if s.pc[w] == At.RESUME)
        )

    def num_active_counts(s) -> bool:
        """`num_active` is the number of active workers: an active one that is not counted can find
        work after the block was declared done; one counted for ever keeps it from being done."""
        return all(
            0 <= s.place[w] < s.num_active and s.at_place[s.place[w]] == w
            for w in s.workers
            if s.active(w)
        ) and all(s.active(s.at_place[p]) and s.place[s.at_place[p]] == p for p in s.slots)

    def executor_owns(s) -> bool:
        """Who executes has the present incarnation, and the status says so."""
        return all(
            s.status[s.held[w]] == Status.EXECUTING and s.inc[s.held[w]] == s.held_inc[w]
            for w in s.workers
            if s.executes(w)
        )

    def one_executor(s) -> bool:
        """No two workers execute one position: they would write each other's versions."""
        return all(
            w == u
            for w in s.workers
            for u in s.workers
            if s.executes(w) and s.executes(u) and s.held[w] == s.held[u]
        )

    def aborter_owns(s) -> bool:
        """Who aborts or suspends has the present incarnation, and the status says so."""
        return all(
            s.status[s.held[w]] == Status.ABORTING and s.inc[s.held[w]] == s.held_inc[w]
            for w in s.workers
            if s.gives_up(w)
        )

    def one_aborter(s) -> bool:
        """No two workers abort one position: it would become ready twice."""
        return all(
            w == u
            for w in s.workers
            for u in s.workers
            if s.gives_up(w) and s.gives_up(u) and s.held[w] == s.held[u]
        )

    def executing_is_owned(s) -> bool:
        """What is executing is executed by somebody: else it never ends."""
        return all(
            any(s.executes(w) and s.held[w] == i for w in s.workers)
            for i in s.positions
            if s.status[i] == Status.EXECUTING
        )

    def aborting_is_owned(s) -> bool:
        """What is aborting waits, is being woken, or is in somebody's hands: else it never is
        ready again."""
        return all(
            any(s.woken[w, i] or (s.gives_up(w) and s.held[w] == i) for w in s.workers)
            or any(s.waits[b, i] for b in s.positions)
            for i in s.positions
            if s.status[i] == Status.ABORTING
        )


class Waiting(Predicates):
    """Suspended positions, and that they are woken once."""

    def waits_below(s) -> bool:
        """Positions wait for lower ones, so never in a circle; and they are aborting."""
        return all(
            b < i and s.status[i] == Status.ABORTING
            for b in s.positions
            for i in s.positions
            if s.waits[b, i]
        )

    def waits_once(s) -> bool:
        """A position waits in one list: else a stale wake-up makes it ready twice."""
        return all(
            a == b
            for a in s.positions
            for b in s.positions
            for i in s.positions
            if s.waits[a, i] and s.waits[b, i]
        )

    def woken_is_aborting(s) -> bool:
        """Who is being woken is still aborting, and a worker is at it."""
        return all(
            s.pc[w] == At.RESUME and s.status[i] == Status.ABORTING
            for w in s.workers
            for i in s.positions
            if s.woken[w, i]
        )

    def woken_once(s) -> bool:
        """A position is woken by one worker, as `waits_once`."""
        return all(
            w == u
            for w in s.workers
            for u in s.workers
            for i in s.positions
            if s.woken[w, i] and s.woken[u, i]
        )

    def woken_left_the_list(s) -> bool:
        """Who is being woken is in no list any more."""
        return all(
            not s.woken[w, i]
            for b in s.positions
            for i in s.positions
            for w in s.workers
            if s.waits[b, i]
        )

    def in_hands_is_not_waiting(s) -> bool:
        """What a worker is aborting neither waits nor is woken: it would be ready too early."""
        return all(
            not s.waits[b, s.held[w]] for w in s.workers for b in s.positions if s.gives_up(w)
        ) and all(not s.woken[u, s.held[w]] for w in s.workers for u in s.workers if s.gives_up(w))

    def blocking_is_below(s) -> bool:
        """A worker waits for a position below its own, and has locked that one's list."""
        return all(
            0 <= s.blocking[w] < s.held[w]
            for w in s.workers
            if s.pc[w] == At.READ_ESTIMATE or s.locks(w)
        ) and all(s.locked[s.blocking[w]] for w in s.workers if s.locks(w))

    def one_lock_holder(s) -> bool:
        """A list is locked by one worker at a time: else a wake-up is lost."""
        return all(
            w == u
            for w in s.workers
            for u in s.workers
            if s.locks(w) and s.locks(u) and s.blocking[w] == s.blocking[u]
        )

    def lock_has_a_holder(s) -> bool:
        """A locked list is unlocked again: else its position never finishes."""
        return all(
            any(s.locks(w) and s.blocking[w] == b for w in s.workers)
            for b in s.positions
            if s.locked[b]
        )

    def no_lost_wakeup(s) -> bool:
        """Somebody will take the list that a position is in, or about to be in."""
        return all(
            s.will_wake(b) for b in s.positions for i in s.positions if s.waits[b, i]
        ) and all(
            s.will_wake(s.blocking[w])
            for w in s.workers
            if s.pc[w] in (At.MARK_SUSPENDED, At.SUSPEND)
        )

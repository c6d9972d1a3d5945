"""The words in which the invariants speak."""

from pel_spec.kernel import Place, Position, Worker
from pel_spec.scheduler.ghosts import Ghosts
from pel_spec.scheduler.state import ABSENT, ESTIMATE, At


class Predicates(Ghosts):
    """Words that the invariants share."""

    def has_version(s, w: Worker) -> bool:
        """Does `w` stand where it has a position and an incarnation of it?"""
        return s.pc[w] >= At.EXECUTE or At.COMMIT_LOAD <= s.pc[w] <= At.COMMIT_ADVANCE

    def has_answered(s, w: Worker) -> bool:
        """Does `w` stand where the incarnation that it has must have been published?"""
        return s.pc[w] >= At.SWAP_DEPS or At.COMMIT_LOAD <= s.pc[w] <= At.COMMIT_ADVANCE

    def locks(s, w: Worker) -> bool:
        """Has `w` locked the list of its blocking position?"""
        return At.LOOK_BLOCKING <= s.pc[w] <= At.MARK_SUSPENDED or s.pc[w] == At.SUSPEND

    def will_wake(s, b: Position) -> bool:
        """Is `b` yet to be executed, or has its worker not yet taken the list?"""
        return not s.finished(b) or any(
            s.pc[u] == At.SWAP_DEPS and s.held[u] == b for u in s.workers
        )

    def has_no_values(s, i: Position) -> bool:
        """Has `i` nothing in memory that could be read as a version?"""
        return all(s.mem[i, x] <= ESTIMATE for x in s.locations)

    def remembers(s, i: Position) -> bool:
        """Does `i` have an entry just where its last recorded incarnation wrote?"""
        return all((s.mem[i, x] != ABSENT) == s.last_written[i, x] for x in s.locations)

    def moved(s, i: Position) -> bool:
        """Has an entry below `i` changed since its present incarnation began?"""
        return any(s.changes[k] > s.since[i, k] for k in s.positions if k < i)

    def will_check(s, w: Worker, i: Position, x: Place) -> bool:
        """Does `w` see to it that the read of `i` at `x` is looked up again?"""
        mine = s.held[w] == i and s.held_inc[w] == s.inc[i]
        below = s.held[w] < i
        return (
            (s.pc[w] == At.VAL_LOOK and s.held[w] == i)
            or (mine and (At.SWAP_DEPS <= s.pc[w] <= At.FINISH or s.pc[w] == At.LOAD_READS))
            or (mine and s.pc[w] == At.VALIDATE and s.todo[w, x])
            or (mine and s.pc[w] == At.TRY_ABORT)
            or (below and s.wrote_new[w] and s.pc[w] in (At.RECORD, At.PUBLISH))
            or (below and s.wrote_new[w] and At.SWAP_DEPS <= s.pc[w] <= At.FINISH)
            or (s.pc[w] == At.LOWER and s.held[w] <= i)
            or (below and At.LOAD_ABORTED <= s.pc[w] <= At.LOWER_ABORT)
        )

    def owed(s, i: Position, x: Place) -> bool:
        """Will the read of `i` at `x` be looked up again?"""
        return s.val_idx <= i or any(s.will_check(w, i, x) for w in s.workers)

    def quiet(s) -> bool:
        """Nothing is left to do: active workers are only about to find that out."""
        return (
            s.exec_idx >= s.n
            and s.val_idx >= s.n
            and all(
                s.pc[w] in (At.VAL_FETCH, At.EXEC_FETCH, At.LEAVE) for w in s.workers if s.active(w)
            )
        )

"""The invariants about memory and reads: what is there is true, and what is wrong is noticed."""

from pel_spec.kernel import BEFORE
from pel_spec.scheduler.predicates import Predicates
from pel_spec.scheduler.state import ABSENT, ESTIMATE, At, Status


class Memory(Predicates):
    """Multi-version memory holds what it should, whoever is at work on it."""

    def one_answer_per_incarnation(s) -> bool:
        """A version is published once: else a reader cannot tell two of them apart (ABA). What is
        suspended was not published."""
        return (
            all(s.answered[i] <= s.inc[i] for i in s.positions)
            and all(s.answered[i] == s.inc[i] for i in s.positions if s.finished(i))
            and all(
                s.answered[i] < s.inc[i]
                for i in s.positions
                if s.status[i] in (Status.READY, Status.EXECUTING)
            )
            and all(
                s.answered[s.held[w]] < s.inc[s.held[w]] for w in s.workers if s.pc[w] == At.SUSPEND
            )
            and all(
                s.answered[i] < s.inc[i] for b in s.positions for i in s.positions if s.waits[b, i]
            )
            and all(
                s.answered[i] < s.inc[i] for w in s.workers for i in s.positions if s.woken[w, i]
            )
            and all(s.held_inc[w] <= s.answered[s.held[w]] for w in s.workers if s.has_answered(w))
        )

    def unexecuted_has_no_values(s) -> bool:
        """What is not executed shows no version: else a reader takes what was aborted."""
        return (
            all(s.has_no_values(i) for i in s.positions if s.status[i] == Status.READY)
            and all(
                s.has_no_values(s.held[w])
                for w in s.workers
                if At.EXECUTE <= s.pc[w] <= At.MARK_SUSPENDED or s.pc[w] == At.SUSPEND
            )
            and all(s.has_no_values(i) for b in s.positions for i in s.positions if s.waits[b, i])
            and all(s.has_no_values(i) for w in s.workers for i in s.positions if s.woken[w, i])
        )

    def last_written_locations(s) -> bool:
        """The record of what was written is true, so that what is not written again is removed,
        and only what is new makes others look again. (What is being recorded: `recording`.)"""
        return all(s.remembers(i) for i in s.positions if s.status[i] != Status.EXECUTING) and all(
            s.remembers(s.held[w])
            for w in s.workers
            if At.EXECUTE <= s.pc[w] <= At.MARK_SUSPENDED or s.pc[w] == At.PUBLISH
        )

    def recording(s) -> bool:
        """Each entry of what is being recorded is as before, or as it will be."""
        return all(
            (s.writes[w, x] or not s.todo[w, x])
            and s.mem[s.held[w], x]
            == (
                s.held_inc[w]
                if s.writes[w, x] and not s.todo[w, x]
                else (ESTIMATE if s.before[w, x] else ABSENT)
            )
            for w in s.workers
            for x in s.locations
            if s.pc[w] == At.RECORD
        )

    def recorded_is_executed(s) -> bool:
        """The record is of the incarnation that is about to be published, executed, or about to be
        aborted: else a validator looks up what another incarnation has read."""
        return all(s.record_inc[i] == s.inc[i] for i in s.positions if s.finished(i)) and all(
            s.record_inc[s.held[w]] == s.held_inc[w]
            for w in s.workers
            if s.pc[w] in (At.PUBLISH, At.LOAD_ABORTED)
        )

    def published_cells(s) -> bool:
        """What is about to be published, executed, or about to be aborted, is in memory as it was
        recorded."""
        return all(
            s.mem[i, x] == s.entry_of(i, s.inc[i], x)
            for i in s.positions
            for x in s.locations
            if s.finished(i)
        ) and all(
            s.mem[s.held[w], x] == s.entry_of(s.held[w], s.held_inc[w], x)
            for w in s.workers
            for x in s.locations
            if s.pc[w] in (At.PUBLISH, At.LOAD_ABORTED)
        )

    def marking(s) -> bool:
        """While a version is aborted, what is not marked yet is still to be marked."""
        return all(
            s.todo[w, x] == (s.mem[s.held[w], x] > ESTIMATE)
            for w in s.workers
            for x in s.locations
            if s.pc[w] == At.MARK
        )

    def reads_are_below(s) -> bool:
        """What was read was there before the block, or is of a lower position."""
        return all(
            s.source[i, s.inc[i], x] == BEFORE
            or (0 <= s.source[i, s.inc[i], x] < i and s.source_inc[i, s.inc[i], x] >= 0)
            for i in s.positions
            for x in s.locations
            if s.status[i] != Status.READY and s.reads[i, s.inc[i], x]
        )


class Validity(Predicates):
    """Nothing that has become invalid stays unnoticed; what is done and committed is right."""

    def no_lost_execution(s) -> bool:
        """What is ready will be taken up."""
        return all(
            s.exec_idx <= i
            or any(
                (s.pc[w] == At.TRY_INCARNATE and s.held[w] == i)
                or (s.pc[w] == At.RESUME and s.lowest[w] <= i)
                or (At.LOWER_ABORT <= s.pc[w] <= At.RETRY and s.held[w] == i)
                for w in s.workers
            )
            for i in s.positions
            if s.status[i] == Status.READY
        )

    def no_unchecked_read(s) -> bool:
        """Each read of what is executed was looked up again, or will be."""
        return all(
            s.checked[i, x] or s.owed(i, x)
            for i in s.positions
            for x in s.locations
            if s.status[i] == Status.EXECUTED and s.reads[i, s.inc[i], x]
        )

    def no_lost_source(s) -> bool:
        """A read whose source is gone will be looked up again."""
        return all(
            s.source[i, s.inc[i], x] == BEFORE
            or s.mem[s.source[i, s.inc[i], x], x] == s.source_inc[i, s.inc[i], x]
            or s.owed(i, x)
            for i in s.positions
            for x in s.locations
            if s.status[i] == Status.EXECUTED and s.reads[i, s.inc[i], x]
        )

    def no_lost_gap(s) -> bool:
        """A read with a newer entry between its source and its reader will be looked up again."""
        return all(
            s.mem[k, x] == ABSENT or s.owed(i, x)
            for i in s.positions
            for k in s.positions
            for x in s.locations
            if s.status[i] == Status.EXECUTED
            and s.reads[i, s.inc[i], x]
            and s.source[i, s.inc[i], x] < k < i
        )

    def check_done(s) -> bool:
        """What each look of the done check has seen still holds, or its count has moved, or
        somebody is about to move it."""
        return (
            all(
                s.observed[w] <= s.dec_cnt
                for w in s.workers
                if At.CD_EXEC <= s.pc[w] <= At.CD_AGAIN
            )
            and all(
                s.exec_idx >= s.n or any(s.pc[u] == At.RESUME_COUNT for u in s.workers)
                for w in s.workers
                if s.pc[w] in (At.CD_VAL, At.CD_ACTIVE) and s.observed[w] == s.dec_cnt
            )
            and all(
                s.val_idx >= s.n
                or any(s.pc[u] in (At.LOWER_COUNT, At.ABORT_COUNT) for u in s.workers)
                for w in s.workers
                if s.pc[w] == At.CD_ACTIVE and s.observed[w] == s.dec_cnt
            )
        )

    def done_is_quiet(s) -> bool:
        """Where the done check has come to its end, nothing is left to do, then and ever after."""
        return all(
            s.quiet()
            for w in s.workers
            if s.done
            or s.pc[w] == At.SET_DONE
            or (s.pc[w] == At.CD_AGAIN and s.observed[w] == s.dec_cnt)
        )

    def ended_is_done(s) -> bool:
        """Nobody goes home before the block is done: else what is left is done by fewer and fewer,
        or by nobody."""
        return all(s.done for w in s.workers if s.pc[w] in (At.END_WORKER, At.ENDED))


class Committing(Predicates):
    """The rolling commit."""

    def committed_prefix(s) -> bool:
        """What is committed is a prefix; at its end at most one worker is about to extend it."""
        return (
            all(s.status[i] == Status.COMMITTED for i in s.positions if i < s.committed)
            and all(
                i < s.committed
                or any(s.pc[w] == At.COMMIT_ADVANCE and s.held[w] == i for w in s.workers)
                for i in s.positions
                if s.status[i] == Status.COMMITTED
            )
            and all(
                s.held[w] == s.committed and s.status[s.held[w]] == Status.COMMITTED
                for w in s.workers
                if s.pc[w] == At.COMMIT_ADVANCE
            )
        )

    def one_committer(s) -> bool:
        """One worker extends the prefix: else it would skip a position."""
        return all(
            w == u
            for w in s.workers
            for u in s.workers
            if s.pc[w] == At.COMMIT_ADVANCE and s.pc[u] == At.COMMIT_ADVANCE
        )

    def commit_in_order(s) -> bool:
        """Nobody looks at a position before all below it are committed."""
        return all(
            s.held[w] <= s.committed
            for w in s.workers
            if At.COMMIT_LOOK <= s.pc[w] <= At.COMMIT_ADVANCE
        )

    def commit_checked(s) -> bool:
        """A read that was found valid stays valid, as all below is final."""
        return all(
            s.todo[w, x] or (s.checked[i, x] and s.still_valid(i, s.inc[i], x))
            for w in s.workers
            for i in s.positions
            for x in s.locations
            if s.pc[w] == At.COMMIT_CHECK
            and s.held[w] == i
            and s.held_inc[w] == s.inc[i]
            and s.status[i] == Status.EXECUTED
            and s.reads[i, s.inc[i], x]
        )

    def committed_reads_hold(s) -> bool:
        """What is committed has read what it would read now."""
        return all(
            s.checked[i, x] and s.still_valid(i, s.inc[i], x)
            for i in s.positions
            for x in s.locations
            if s.status[i] == Status.COMMITTED and s.reads[i, s.inc[i], x]
        )


class Causes(Predicates):
    """Progress: nothing is aborted without a cause below it, so a settled prefix stays settled."""

    def clocks(s) -> bool:
        """Nobody knows of changes that have not happened."""
        return all(s.since[i, k] <= s.changes[k] for i in s.positions for k in s.positions)

    def valid_or_moved(s) -> bool:
        """A read of a present incarnation is valid unless an entry below has changed since."""
        return all(
            s.still_valid(i, s.inc[i], x) or s.moved(i)
            for i in s.positions
            for x in s.locations
            if s.status[i] != Status.READY and s.reads[i, s.inc[i], x]
        )

    def validators_check_reads(s) -> bool:
        """What a validator looks up was read."""
        return all(
            s.reads[s.held[w], s.held_inc[w], x]
            for w in s.workers
            for x in s.locations
            if s.pc[w] in (At.VALIDATE, At.COMMIT_CHECK) and s.todo[w, x]
        )

    def abort_has_a_cause(s) -> bool:
        """A verdict against a present incarnation means that an entry below it has changed since
        it began: this bounds how often anything is aborted."""
        return all(
            s.moved(s.held[w])
            for w in s.workers
            if s.pc[w] == At.TRY_ABORT and s.held_inc[w] == s.inc[s.held[w]]
        )

    def restart_has_a_cause(s) -> bool:
        """Who begins again in the same incarnation has met an ESTIMATE that is gone since: this
        bounds how often anything is begun again."""
        return all(
            s.moved(s.held[w])
            or (
                s.pc[w] != At.STAY and any(s.mem[s.blocking[w], x] == ESTIMATE for x in s.locations)
            )
            for w in s.workers
            if s.pc[w] in (At.READ_ESTIMATE, At.LOOK_BLOCKING, At.STAY)
        )

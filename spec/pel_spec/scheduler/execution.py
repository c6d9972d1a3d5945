"""An execution: reads, suspension, recording, and what follows. Algorithms 1, 2 and 5."""

from pel_spec.kernel import Place, Places, Position, Worker, Writer, require
from pel_spec.scheduler.ghosts import Ghosts
from pel_spec.scheduler.state import ABSENT, ESTIMATE, At, Status


class Reading(Ghosts):
    """The transition runs. What it computes is its own; what it reads is a step."""

    def read_cell(s, w: Worker, x: Place, k: Writer) -> int:
        """Algorithm 2, `read`: the newest entry below, in one look at one location. Whatever is
        composed of several locations is read by several steps. A location is read once."""
        require(s.pc[w] == At.EXECUTE)
        i, c = s.held[w], s.held_inc[w]
        require(not s.reads[i, c, x] and s.newest_below(k, i, x))
        if k >= 0 and s.mem[k, x] == ESTIMATE:
            s.blocking[w] = k
            s.pc[w] = At.READ_ESTIMATE
        else:
            s.reads[i, c, x] = True
            s.source[i, c, x] = k
            s.source_inc[i, c, x] = s.mem[k, x]
        return s.mem[k, x]

    def read_estimate(s, w: Worker) -> None:
        """Algorithm 5, `add_dependency`: lock the list of the blocking position, or its worker can
        take the list between our look and our entry, and nobody wakes us."""
        require(s.pc[w] == At.READ_ESTIMATE and not s.locked[s.blocking[w]])
        s.locked[s.blocking[w]] = True
        s.pc[w] = At.LOOK_BLOCKING

    def look_blocking(s, w: Worker) -> bool:
        """Algorithm 5, `add_dependency`: has it been executed meanwhile? Whoever waits for what has
        been executed waits for ever."""
        require(s.pc[w] == At.LOOK_BLOCKING)
        executed = s.finished(s.blocking[w])
        s.pc[w] = At.STAY if executed else At.MARK_SUSPENDED
        return executed

    def stay(s, w: Worker) -> None:
        """Algorithm 1, `try_execute`: nothing to wait for, so begin again, in this incarnation."""
        require(s.pc[w] == At.STAY)
        i = s.held[w]
        s.locked[s.blocking[w]] = False
        s.reads[i, s.held_inc[w], :] = False
        s.ghost_begin(i)
        s.pc[w] = At.EXECUTE

    def mark_suspended(s, w: Worker) -> None:
        """Algorithm 5, `add_dependency`: the incarnation is given up. Before it is listed: else it
        could be resumed first, and stay aborting for ever."""
        require(s.pc[w] == At.MARK_SUSPENDED)
        s.status[s.held[w]] = Status.ABORTING
        s.pc[w] = At.SUSPEND

    def suspend(s, w: Worker) -> None:
        """Algorithm 5, `add_dependency`: listed, and the list unlocked. In one list only: a second
        wake-up would make an incarnation ready that has long gone on."""
        require(s.pc[w] == At.SUSPEND)
        s.waits[s.blocking[w], s.held[w]] = True
        s.locked[s.blocking[w]] = False
        s.pc[w] = At.LEAVE


class Recording(Ghosts):
    """Algorithm 2, `record`: one location at a time; others read in between."""

    def load_written(s, w: Worker, writes: Places) -> int:
        """The transition has ended, and writes `writes`. Algorithm 2: where did the last
        incarnation write that was recorded? Suspended ones since then wrote nothing."""
        require(s.pc[w] == At.EXECUTE)
        i = s.held[w]
        s.writes[w, :] = writes
        s.todo[w, :] = writes
        s.before[w, :] = s.last_written[i, :]
        s.wrote_new[w] = False
        s.pc[w] = At.RECORD
        return s.record_inc[i]

    def write_cell(s, w: Worker, x: Place) -> None:
        """Algorithm 2, `apply_write_set`. A location that was not written before is news for all
        above: they may have read past it, and be validated already."""
        require(s.pc[w] == At.RECORD and s.todo[w, x])
        s.mem[s.held[w], x] = s.held_inc[w]
        s.wrote_new[w] = s.wrote_new[w] or not s.before[w, x]
        s.todo[w, x] = False
        s.ghost_changed(s.held[w])

    def remove_cell(s, w: Worker, x: Place) -> None:
        """Algorithm 2, `rcu_update_written_locations`: what is not written any more. It stands
        there as an ESTIMATE, so nobody has read it; but left there it would block for ever."""
        require(s.pc[w] == At.RECORD and s.before[w, x] and not s.writes[w, x])
        s.mem[s.held[w], x] = ABSENT
        s.before[w, x] = False
        s.ghost_changed(s.held[w])

    def record_done(s, w: Worker) -> None:
        """Algorithm 2, `record`: read set and written locations, at once, and when memory is so."""
        require(s.pc[w] == At.RECORD)
        require(all(not s.todo[w, x] for x in s.locations))
        require(all(s.writes[w, x] for x in s.locations if s.before[w, x]))
        i = s.held[w]
        s.record_inc[i] = s.held_inc[w]
        s.last_written[i, :] = s.writes[w, :]
        s.pc[w] = At.PUBLISH


class Finishing(Ghosts):
    """Algorithm 5, `finish_execution`: an incarnation is there; who has to know?"""

    def publish(s, w: Worker) -> None:
        """From now on it can be validated, and aborted: not before it is recorded."""
        require(s.pc[w] == At.PUBLISH)
        s.status[s.held[w]] = Status.EXECUTED
        s.ghost_answered(w)
        s.pc[w] = At.SWAP_DEPS

    def swap_deps(s, w: Worker) -> None:
        """Take the list of those who wait. After `publish`: who comes later must see the status."""
        require(s.pc[w] == At.SWAP_DEPS and not s.locked[s.held[w]])
        i = s.held[w]
        if any(s.waits[i, k] for k in s.positions):
            s.pc[w] = At.RESUME
        else:
            s.pc[w] = At.FINISH
        s.woken[w, :] = s.waits[i, :]
        s.waits[i, :] = False
        s.lowest[w] = s.n

    def resume_one(s, w: Worker, k: Position) -> None:
        """Algorithm 5, `resume_dependencies`: ready again, with the next incarnation."""
        require(s.pc[w] == At.RESUME and s.woken[w, k])
        s.woken[w, k] = False
        s.status[k] = Status.READY
        s.inc[k] += 1
        s.lowest[w] = min(s.lowest[w], k)

    def resume_done(s, w: Worker) -> None:
        """Algorithm 4, `decrease_execution_idx`: down to the lowest of them. After all are ready:
        a worker that came before would find them aborting, and nobody would come again."""
        require(s.pc[w] == At.RESUME and all(not s.woken[w, k] for k in s.positions))
        s.exec_idx = min(s.exec_idx, s.lowest[w])
        s.pc[w] = At.RESUME_COUNT

    def resume_count(s, w: Worker) -> int:
        """Algorithm 4, `decrease_execution_idx`: counted after the index is lowered. The other way
        round the done check can look in between, and see neither."""
        require(s.pc[w] == At.RESUME_COUNT)
        s.dec_cnt += 1
        s.pc[w] = At.FINISH
        return s.dec_cnt - 1

    def finish_execution(s, w: Worker) -> int:
        """Has validation gone past it? Then it is validated here and now; and, if it wrote where it
        did not before, with all above it. Else validation will come to it anyway."""
        require(s.pc[w] == At.FINISH)
        if s.val_idx <= s.held[w]:
            s.pc[w] = At.LEAVE
        else:
            s.pc[w] = At.LOWER if s.wrote_new[w] else At.LOAD_READS
        return s.val_idx

    def lower_val_idx(s, w: Worker) -> None:
        """Algorithm 4, `decrease_validation_idx`: itself too, as it has not been validated yet."""
        require(s.pc[w] == At.LOWER)
        s.val_idx = min(s.val_idx, s.held[w])
        s.pc[w] = At.LOWER_COUNT

    def lower_val_count(s, w: Worker) -> int:
        """Algorithm 4, `decrease_validation_idx`: counted after, as in `resume_count`."""
        require(s.pc[w] == At.LOWER_COUNT)
        s.dec_cnt += 1
        s.pc[w] = At.LEAVE
        return s.dec_cnt - 1

"""The scheduler's steps: each method is one action of the specified scheduler, on one object.

The docstrings name the algorithm of the paper (Block-STM, arXiv 2203.06871) that the step is part
of, and what goes wrong where it is done otherwise. What follows from a step is in `scheduler`.
"""

from functools import partial

from pel_parallel.shared import Dependents, Flag, Number, Status
from pel_parallel.sync import Seam
from pel_spec.vocabulary import Version


class Actions:
    """The shared state of one run over `transitions` positions, and its steps."""

    def __init__(self, seam: Seam, transitions: int) -> None:
        self.seam = seam
        self.transitions = transitions
        self.exec_idx, self.val_idx = Number("exec_idx"), Number("val_idx")
        self.dec_cnt, self.num_active = Number("dec_cnt"), Number("num_active")
        self.done = Flag("done")
        self.status = [Status(position) for position in range(transitions)]
        self.dependents = [Dependents(position) for position in range(transitions)]

    # ---- steps: looking for work --------------------------------------------------------

    def load_done(self, worker: int) -> bool:
        """Algorithm 1, the loop's condition."""
        return self.seam.step(worker, "load_done", (), self.done, self.done.load)

    def prefer_val_idx(self, worker: int) -> int:
        """Algorithm 4, `next_task`: the first of two loads that need not be of one moment."""
        return self.seam.step(worker, "prefer_val_idx", (), self.val_idx, self.val_idx.load)

    def prefer_exec_idx(self, worker: int) -> int:
        """Algorithm 4, `next_task`: the second load."""
        return self.seam.step(worker, "prefer_exec_idx", (), self.exec_idx, self.exec_idx.load)

    def choose_validation(self, worker: int) -> bool:
        """Algorithm 4, `next_version_to_validate`: are positions left? Comes before `val_enter`,
        so that workers without work do not keep the block from being done."""
        found = self.seam.step(worker, "choose_validation", (), self.val_idx, self.val_idx.load)
        return found < self.transitions

    def choose_execution(self, worker: int) -> bool:
        """Algorithm 4, `next_version_to_execute`: are positions left?"""
        found = self.seam.step(worker, "choose_execution", (), self.exec_idx, self.exec_idx.load)
        return found < self.transitions

    def val_enter(self, worker: int) -> None:
        """Algorithm 4: count as active *before* the index moves. The other way round, the done
        check finds the index at its end and nobody active while a validation is about to begin."""
        self.seam.step(worker, "val_enter", (), self.num_active, self.num_active.increment)

    def exec_enter(self, worker: int) -> None:
        """Algorithm 4: as `val_enter`, for execution."""
        self.seam.step(worker, "exec_enter", (), self.num_active, self.num_active.increment)

    def val_fetch(self, worker: int) -> int:
        """Algorithm 4: the next position to validate; past the end where others were faster."""
        return self.seam.step(worker, "val_fetch", (), self.val_idx, self.val_idx.increment)

    def exec_fetch(self, worker: int) -> int:
        """Algorithm 4: the next position to execute; past the end where others were faster."""
        return self.seam.step(worker, "exec_fetch", (), self.exec_idx, self.exec_idx.increment)

    def val_look(self, worker: int, position: int) -> int | None:
        """Algorithm 4: the incarnation to validate, if it is executed."""
        status = self.status[position]
        return self.seam.step(worker, "val_look", (position,), status, status.executed_incarnation)

    def try_incarnate(self, worker: int, position: int) -> int | None:
        """Algorithm 4: the incarnation to execute, if it is ready. From then on it is this
        worker's alone."""
        status = self.status[position]
        return self.seam.step(worker, "try_incarnate", (position,), status, status.start)

    def leave(self, worker: int) -> None:
        """Algorithms 4 and 5: no task any more, and none that follows from it."""
        self.seam.step(worker, "leave", (), self.num_active, self.num_active.decrement)

    # ---- steps: is the block done? ------------------------------------------------------

    def cd_observe(self, worker: int) -> int:
        """Algorithm 4, `check_done`: the count of decreases before the other looks."""
        return self.seam.step(worker, "cd_observe", (), self.dec_cnt, self.dec_cnt.load)

    def cd_exec_idx(self, worker: int) -> int:
        """Algorithm 4, `check_done`: its loads are separate, each can be overtaken."""
        return self.seam.step(worker, "cd_exec_idx", (), self.exec_idx, self.exec_idx.load)

    def cd_val_idx(self, worker: int) -> int:
        """Algorithm 4, `check_done`."""
        return self.seam.step(worker, "cd_val_idx", (), self.val_idx, self.val_idx.load)

    def cd_num_active(self, worker: int) -> int:
        """Algorithm 4, `check_done`."""
        return self.seam.step(worker, "cd_num_active", (), self.num_active, self.num_active.load)

    def cd_observe_again(self, worker: int) -> int:
        """Algorithm 4, `check_done`: the same count says that neither index was lowered between
        the looks, so that they hold together."""
        return self.seam.step(worker, "cd_observe_again", (), self.dec_cnt, self.dec_cnt.load)

    def set_done(self, worker: int) -> None:
        """Algorithm 4, `check_done`."""
        self.seam.step(worker, "set_done", (), self.done, self.done.store)

    # ---- steps: waiting for a blocking transition ---------------------------------------

    def read_estimate(self, worker: int, position: int, blocking: int) -> None:
        """Algorithm 5, `add_dependency`: lock the list of the blocking transition, so that its
        worker cannot take the list between our look and our entry."""
        dependents = self.dependents[blocking]
        self.seam.step(
            worker,
            "read_estimate",
            (position, blocking),
            dependents,
            dependents.lock_list,
            dependents.is_free,
        )

    def look_blocking(self, worker: int, blocking: int) -> bool:
        """Algorithm 5, `add_dependency`: has it executed meanwhile?"""
        status = self.status[blocking]
        return self.seam.step(worker, "look_blocking", (blocking,), status, status.is_executed)

    def mark_suspended(self, worker: int, position: int) -> None:
        """Algorithm 5, `add_dependency`: the reader gives up its incarnation."""
        status = self.status[position]
        self.seam.step(worker, "mark_suspended", (position,), status, status.suspend)

    def suspend(self, worker: int, position: int, blocking: int) -> None:
        """Algorithm 5, `add_dependency`: wait to be resumed by whoever executes `blocking`."""
        dependents = self.dependents[blocking]
        body = partial(dependents.add_and_unlock, position)
        self.seam.step(worker, "suspend", (position, blocking), dependents, body)

    def stay(self, worker: int, position: int, blocking: int) -> None:
        """Algorithm 5, `add_dependency` returns false: there is nothing to wait for."""
        dependents = self.dependents[blocking]
        self.seam.step(worker, "stay", (position, blocking), dependents, dependents.unlock)

    # ---- steps: after an execution ------------------------------------------------------

    def publish(self, worker: int, version: Version) -> None:
        """Algorithm 5, `finish_execution`: from now on it can be validated, and aborted."""
        status = self.status[version.position]
        self.seam.step(worker, "publish", tuple(version), status, status.publish)

    def swap_deps(self, worker: int, position: int) -> tuple[int, ...]:
        """Algorithm 5, `finish_execution`: who waited. After `publish`, so that whoever comes
        later sees the status and does not wait."""
        dependents = self.dependents[position]
        return self.seam.step(
            worker, "swap_deps", (position,), dependents, dependents.take, dependents.is_free
        )

    def resume_one(self, worker: int, position: int) -> None:
        """Algorithm 5, `resume_dependencies`: ready again."""
        status = self.status[position]
        self.seam.step(worker, "resume_one", (position,), status, status.make_ready)

    def resume_done(self, worker: int, lowest: int) -> None:
        """Algorithm 5, `resume_dependencies`: execution starts again at the lowest resumed."""
        body = partial(self.exec_idx.lower, lowest)
        self.seam.step(worker, "resume_done", (lowest,), self.exec_idx, body)

    def resume_count(self, worker: int) -> None:
        """Algorithm 4, `decrease_execution_idx`: counted after the index is lowered; the other
        way round the done check can look in between and see neither."""
        self.seam.step(worker, "resume_count", (), self.dec_cnt, self.dec_cnt.increment)

    def load_finish_execution(self, worker: int, version: Version) -> int:
        """Algorithm 5, `finish_execution`: the validation index."""
        return self.seam.step(
            worker, "finish_execution", tuple(version), self.val_idx, self.val_idx.load
        )

    def lower_val_idx(self, worker: int, position: int) -> None:
        """Algorithm 4, `decrease_validation_idx`."""
        body = partial(self.val_idx.lower, position)
        self.seam.step(worker, "lower_val_idx", (position,), self.val_idx, body)

    def lower_val_count(self, worker: int) -> None:
        """Algorithm 4, `decrease_validation_idx`: counted after, as `resume_count`."""
        self.seam.step(worker, "lower_val_count", (), self.dec_cnt, self.dec_cnt.increment)

    # ---- steps: after a validation ------------------------------------------------------

    def try_validation_abort(self, worker: int, version: Version) -> bool:
        """Algorithm 4: of several validators of a version, one aborts it."""
        status = self.status[version.position]
        body = partial(status.try_abort, version.incarnation)
        return self.seam.step(worker, "try_validation_abort", tuple(version), status, body)

    def set_ready(self, worker: int, version: Version) -> None:
        """Algorithm 5, `set_ready_status`: after its writes are marked, never before."""
        status = self.status[version.position]
        self.seam.step(worker, "set_ready", tuple(version), status, status.make_ready)

    def lower_after_abort(self, worker: int, position: int) -> None:
        """Algorithm 5, `finish_validation`: everything above may have read what was aborted."""
        body = partial(self.val_idx.lower, position + 1)
        self.seam.step(worker, "lower_after_abort", (position,), self.val_idx, body)

    def lower_abort_count(self, worker: int) -> None:
        """Algorithm 4, `decrease_validation_idx`: counted after, as `resume_count`."""
        self.seam.step(worker, "lower_abort_count", (), self.dec_cnt, self.dec_cnt.increment)

    def load_retry(self, worker: int, position: int) -> int:
        """Algorithm 5, `finish_validation`: the execution index."""
        return self.seam.step(worker, "retry", (position,), self.exec_idx, self.exec_idx.load)

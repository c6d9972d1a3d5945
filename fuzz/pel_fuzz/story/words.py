"""Each step of a worker in words: what it does, and whether that matters to whoever reads a story.

Steps that only look for work, count or lock do not matter, unless a worker is interrupted there.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pel_fuzz.conformance.violation import in_words
from pel_fuzz.story.watched import Watched
from pel_proof.finite.picture import name_of
from pel_spec.sync import Step
from pel_spec.vocabulary import Location

MISSING: Final = object()
HOLDS: Final = "all it read holds"
"""What is said of a validation that finds nothing changed."""


class Said(NamedTuple):
    """A step in words: a verb, and what of (neighbours with the same verb are told as one).

    `opens`: a task begins with it, told with the `task` that it is from then on; `closes`: the task
    is over. `location`: the place that it is about, if any.
    """

    verb: str
    what: str = ""
    matters: bool = False
    opens: str = ""
    closes: bool = False
    location: Location | None = None

    @property
    def words(self) -> str:
        """Verb and object."""
        return f"{self.verb} {self.what}".strip()


class Words:
    """Says the steps of one run, which have to come in their order."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._read: dict[tuple[int, Location], Any] = {}
        self._recorded: dict[tuple[int, Location], Any] = {}
        self._validates: dict[int, tuple[int, int]] = {}
        self._failed: set[int] = set()

    def say(self, step: Step) -> Said:
        """One step."""
        told = SAYINGS.get(step.action)
        if told is not None:
            return told(self, step)
        about = f" {in_words(step.args)}" if step.args else ""
        return Said(f"{step.action}{about}", matters=True)

    def who(self, position: Any) -> str:
        """What people call a position."""
        transitions = self._watched.block.transitions
        if not isinstance(position, int) or not 0 <= position < len(transitions):
            return f"position {in_words(position)}"
        index = transitions[position].tx_index
        return f"{transitions[position].kind} {position}" if index is None else f"tx {index}"

    # ---- looking for work -----------------------------------------------------------------

    def _done(self, step: Step) -> Said:
        return Said("sees that the block is", "done" if step.observed else "not done")

    def _val_fetch(self, step: Step) -> Said:
        return self._fetched(step, "validate")

    def _exec_fetch(self, step: Step) -> Said:
        return self._fetched(step, "execute")

    def _fetched(self, step: Step, purpose: str) -> Said:
        if isinstance(step.observed, int) and step.observed < len(self._watched.block.transitions):
            return Said("takes", f"{self.who(step.observed)} to {purpose}")
        return Said(f"finds nothing left to {purpose}")

    def _val_look(self, step: Step) -> Said:
        who = self.who(step.args[0])
        if step.observed is None:
            return Said("sees that", f"{who} is not executed")
        return self._validation(step.worker, step.args[0], step.observed)

    def _validation(self, worker: int, position: int, incarnation: int) -> Said:
        self._validates[worker] = position, incarnation
        self._failed.discard(worker)
        about = self._version(position, incarnation)
        return Said("validates", about, True, opens=f"validating {self.who(position)}")

    def _incarnate(self, step: Step) -> Said:
        position, incarnation = step.args[0], step.observed
        if incarnation is None:
            return Said("sees that", f"{self.who(position)} is not ready")
        self._validates.pop(step.worker, None)
        about = self._version(position, incarnation)
        return Said("executes", about, True, opens=f"executing {self.who(position)}")

    def _version(self, position: int, incarnation: int) -> str:
        return f"{self.who(position)}, incarnation {incarnation}"

    def _leave(self, step: Step) -> Said:
        validated = self._validates.pop(step.worker, None)
        held = validated is not None and step.worker not in self._failed
        return Said(HOLDS if held else "counts itself out", "", held, closes=True)

    # ---- executing ------------------------------------------------------------------------

    def _read_cell(self, step: Step) -> Said:
        position, location = step.args[0], _location(step)
        self._read[position, location] = step.observed
        return self._lookup(step, "reads", matters=True)

    def _lookup(self, step: Step, verb: str, matters: bool) -> Said:
        """What is found at a place, and whose it is."""
        location, seen = _location(step), step.observed
        place = name_of(location)
        if isinstance(seen, tuple) and seen[:1] == ("estimate",):
            what = f"the ESTIMATE of {self.who(seen[1])} in {place}"
            return Said("meets" if verb == "reads" else verb, what, True, location=location)
        if seen is None:
            found, source = self._watched.block.initial(location), "before the block"
        else:
            found = self._watched.values.get((step.worker, step.own), MISSING)
            source = f"of {self.who(seen[0])}"
            if seen[1]:
                source += f", incarnation {seen[1]}"
        value = "" if found is MISSING else f" = {name_of(found)}"
        return Said(verb, f"{place}{value} ({source})", matters, location=location)

    def _look_blocking(self, step: Step) -> Said:
        who = self.who(step.args[0])
        if step.observed:
            return Said("sees that", f"{who} has executed meanwhile", True)
        return Said("sees that", f"{who} is not executed")

    def _load_written(self, step: Step) -> Said:
        if step.observed is None:
            return Said("sees that it is recorded for the first time")
        return Said("looks up what incarnation", f"{step.observed} wrote")

    def _write(self, step: Step) -> Said:
        location = _location(step)
        value = self._watched.values.get((step.worker, step.own), MISSING)
        found = "" if value is MISSING else f" = {name_of(value)}"
        return Said("writes", f"{name_of(location)}{found}", True, location=location)

    def _remove(self, step: Step) -> Said:
        return Said("removes", name_of(_location(step)), True, location=_location(step))

    def _record(self, step: Step) -> Said:
        position = step.args[0]
        for (other, location), seen in self._read.items():
            if other == position:
                self._recorded[position, location] = seen
        return Said("records its reads and writes")

    def _swap(self, step: Step) -> Said:
        if step.observed:
            return Said("wakes", ", ".join(map(self.who, step.observed)), True)
        return Said("sees that nobody waits")

    # ---- validating -----------------------------------------------------------------------

    def _load_reads(self, step: Step) -> Said:
        if self._validates.get(step.worker) == tuple(step.args):
            return Said("looks up what it read")
        return self._validation(step.worker, *step.args)

    def _check(self, step: Step) -> Said:
        before = self._recorded.get((step.args[0], _location(step)), MISSING)
        if before in (step.observed, MISSING):
            return self._lookup(step, "finds again", matters=False)
        self._failed.add(step.worker)
        place = name_of(_location(step))
        return Said("finds that", f"{place} has changed", True, location=_location(step))

    def _try_abort(self, step: Step) -> Said:
        self._failed.add(step.worker)
        return Said("aborts it" if step.observed else "is too late to abort it", "", True)

    def _mark(self, step: Step) -> Said:
        place = name_of(_location(step))
        return Said("marks as ESTIMATE", place, True, location=_location(step))


def _location(step: Step) -> Location:
    return tuple(step.object[1])


Saying = Callable[[Words, Step], Said]


def _plain(words: str, matters: bool = False, closes: bool = False) -> Saying:
    """A step that is said alike each time; `{seen}` is what was observed."""

    def say(_: Words, step: Step) -> Said:
        return Said(words.format(seen=in_words(step.observed)), "", matters, closes=closes)

    return say


def _about(verb: str, what: str, matters: bool = False, argument: int = 0) -> Saying:
    """A step about the position that is one of its arguments."""

    def say(words: Words, step: Step) -> Said:
        return Said(verb, what.format(who=words.who(step.args[argument])), matters)

    return say


SAYINGS: Final[Mapping[str, Saying]] = {
    "start_worker": _plain("starts"),
    "end_worker": _plain("ends", matters=True),
    "idle": _plain("finds no work", matters=True),
    "load_done": Words._done,
    "prefer_val_idx": _plain("sees the validation index at {seen}"),
    "prefer_exec_idx": _plain("sees the execution index at {seen}"),
    "choose_validation": _plain("may validate: that index is {seen}"),
    "choose_execution": _plain("may execute: that index is {seen}"),
    "val_enter": _plain("counts itself active"),
    "exec_enter": _plain("counts itself active"),
    "leave": Words._leave,
    "val_fetch": Words._val_fetch,
    "exec_fetch": Words._exec_fetch,
    "val_look": Words._val_look,
    "try_incarnate": Words._incarnate,
    "cd_observe": _plain("asks if the block is done: {seen} decreases"),
    "cd_exec_idx": _plain("sees the execution index at {seen}"),
    "cd_val_idx": _plain("sees the validation index at {seen}"),
    "cd_num_active": _plain("sees {seen} active"),
    "cd_observe_again": _plain("sees {seen} decreases"),
    "set_done": _plain("declares the block done", matters=True),
    "read_cell": Words._read_cell,
    "read_estimate": _about("locks the list of", "who waits for {who}", argument=1),
    "look_blocking": Words._look_blocking,
    "mark_suspended": _plain("gives up its incarnation"),
    "suspend": _about("waits for", "{who}", True, argument=1),
    "stay": _plain("begins again", matters=True),
    "load_written": Words._load_written,
    "write_cell": Words._write,
    "remove_cell": Words._remove,
    "record_done": Words._record,
    "publish": _plain("publishes", matters=True),
    "swap_deps": Words._swap,
    "resume_one": _about("makes", "{who} ready"),
    "resume_done": _about("lowers the execution index to", "{who}"),
    "resume_count": _plain("counts a decrease"),
    "finish_execution": _plain("sees the validation index at {seen}"),
    "lower_val_idx": _about("lowers the validation index to", "{who}", True),
    "lower_val_count": _plain("counts a decrease"),
    "load_reads": Words._load_reads,
    "check_read": Words._check,
    "try_validation_abort": Words._try_abort,
    "load_aborted": _plain("looks up what it wrote"),
    "mark_estimate": Words._mark,
    "set_ready": _plain("makes it ready again"),
    "lower_after_abort": _about("lowers the validation index to", "what is above {who}", True),
    "lower_abort_count": _plain("counts a decrease"),
    "retry": _plain("sees the execution index at {seen}"),
    "commit_next": _plain("asks what is to be committed: position {seen}"),
    "commit_look": _plain("sees what is executed: incarnation {seen}"),
    "commit_load": _plain("looks up what it read"),
    "commit_check": Words._check,
    "commit": _about("commits", "{who}", True),
    "commit_advance": _plain("counts it as committed"),
}
"""Every action of the executor, and those of the text that it does not have, by name."""

"""The mutants that nothing is proved against, and why nothing is to be: that text is right too.

A name is that of `mutants.Mutant`. The list is exact: `mutation` fails where it says too little,
and where it says too much.
"""

from collections.abc import Mapping

REASONS: Mapping[str, tuple[str, ...]] = {
    "A detour: the worker comes to the same place after one more step.": (
        "start_worker: `At.IDLE` for `At.LOAD_DONE`",
        "leave: `At.START_WORKER` for `At.LOAD_DONE`",
        "leave: `At.IDLE` for `At.LOAD_DONE`",
    ),
    "`wrote_new` may say too much: then all above are validated once more, in vain.": (
        "load_written: delete `s.wrote_new[w] = False`",
        "load_written: `True` for `False`",
        "finish_execution: always yes: `At.LOWER if s.wrote_new[w] else At.LOAD_READS`",
    ),
    "It validates itself, and perhaps all above, where validation would have come anyway.": (
        "finish_execution: never `if s.val_idx <= s.held[w]:`",
        "finish_execution: `s.val_idx < s.held[w]` for `s.val_idx <= s.held[w]`",
        "resume_count: `At.LOWER` for `At.FINISH`",
    ),
    "Validation begins one position too low: one look in vain.": (
        "lower_after_abort: `s.held[w]` for `s.held[w] + 1`",
    ),
    "A decrease is counted that was none: a done check begins anew, in vain.": (
        "swap_deps: always `if any((s.waits[i, k] for k in s.positions)):`",
        "swap_deps: `At.RESUME_COUNT` for `At.FINISH`",
    ),
    "A count that is only compared has to grow, by whatever.": (
        "resume_count: `2` for `1`",
        "lower_val_count: `2` for `1`",
        "lower_abort_count: `2` for `1`",
        "ghost_changed: `2` for `1`",
    ),
    "Incarnations have to grow, and need not be consecutive.": (
        "resume_one: `2` for `1`",
        "set_ready: `2` for `1`",
    ),
    "A suspended incarnation has published nothing, so it can begin again under its number.": (
        "resume_one: delete `s.inc[k] += 1`",
    ),
    "An old read set is looked up in vain: versions are compared when the status is changed.": (
        "load_reads: always `if s.record_inc[i] == c:`",
        "commit_load: always `if s.record_inc[i] == c:`",
    ),
    "It tries to take up at once what somebody would find later: one of them gets it.": (
        "retry: always yes: `At.TRY_INCARNATE if s.exec_idx > s.held[w] else At.LEAVE`",
        "retry: `s.exec_idx >= s.held[w]` for `s.exec_idx > s.held[w]`",
        "retry: `At.TRY_INCARNATE` for `At.LEAVE`",
    ),
    "A commit asks that reads hold then. That they were looked up before is asked as well, of who "
    "is judged by this machine; nothing follows from it alone.": (
        "Optimistic.validate: delete `require(k == BEFORE or s.source_inc[i, x] == c)`",
        "Optimistic.validate: drop `s.source[i, x] == k` of "
        "`s.reads[i, x] and s.source[i, x] == k`",
        "Optimistic.validate: `k != BEFORE` for `k == BEFORE`",
    ),
    "The state before the block has no incarnations: any number is as good as that recorded.": (
        "Optimistic.validate: drop `k == BEFORE` of `k == BEFORE or s.source_inc[i, x] == c`",
    ),
    "That a transition is not shown two versions of a location is part of what is assumed: that it "
    "is determined by its recorded reads. This guard is where the assumption is said.": (
        "Optimistic.read: drop `not s.reads[i, x]` of "
        "`s.published[i] == NOTHING and (not s.reads[i, x])`",
    ),
}

SURVIVORS: Mapping[str, str] = {name: why for why, names in REASONS.items() for name in names}
"""Each survivor with its reason."""

"""Which steps commute: those on different objects, and those that only look.

Two interleavings that differ by the order of steps that commute are one and the same to everybody
who takes part: they are one trace up to commutation (Mazurkiewicz).
"""

from typing import Any, Final

LOOKS_AT: Final = frozenset(
    (
        "load_done",
        "prefer_val_idx",
        "prefer_exec_idx",
        "choose_validation",
        "choose_execution",
        "val_look",
        "cd_observe",
        "cd_exec_idx",
        "cd_val_idx",
        "cd_num_active",
        "cd_observe_again",
        "read_cell",
        "look_blocking",
        "load_written",
        "finish_execution",
        "load_reads",
        "check_read",
        "load_aborted",
        "retry",
    )
)
"""The actions that change nothing shared. Any other, those of an executor in another language
among them, may."""


def conflict(
    one: tuple[str, tuple[Any, ...], tuple[Any, ...]],
    other: tuple[str, tuple[Any, ...], tuple[Any, ...]],
) -> bool:
    """Does the order of two workers' steps, each (action, arguments, object), matter?"""
    return one[2] == other[2] and not (one[0] in LOOKS_AT and other[0] in LOOKS_AT)

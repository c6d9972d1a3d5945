"""What may happen in a block. `COMMON` may happen in any, the others by theme."""

from pel_fuzz.workloads.operations import (
    blobs,
    cells,
    creation,
    crowds,
    delegation,
    depths,
    destruction,
    fees,
    markets,
    mischief,
    purses,
    race,
    system,
    tokens,
    touches,
    transfers,
    watchers,
)
from pel_fuzz.workloads.operations.operation import Operation, Theme

COMMON: tuple[Theme, ...] = (
    transfers.THEME,
    fees.THEME,
    Theme(
        "seasoning",
        (
            Operation(watchers.look_at),
            Operation(depths.through_proxy),
            Operation(mischief.invalid_here, weight=2),
            Operation(mischief.invalid_always, weight=3),
            Operation(mischief.high_s, weight=3, last_fork="Frontier"),
            Operation(blobs.crowd, first_fork="Cancun"),
            Operation(system.read_beacon_root, first_fork="Cancun"),
            Operation(system.read_history, first_fork="Prague"),
            Operation(system.request_withdrawal, weight=2, first_fork="Prague"),
            Operation(delegation.change, weight=2, first_fork="Prague"),
        ),
    ),
)
"""A little of everything that makes something else visible."""

ACTING_RECIPIENTS = frozenset(
    {
        "fee-recipient-sends",
        "fee-recipient-spends",
        "fee-recipient-destructible",
        "fee-recipient-unborn",
        "fee-recipient-pauper",
        "fee-recipient-delegated",
    }
)
"""Fee recipients that can do something themselves: then that is a theme of the block."""

THEMES: tuple[Theme, ...] = (
    cells.THEME,
    watchers.THEME,
    tokens.THEME,
    markets.EXCHANGE,
    creation.THEME,
    destruction.THEME,
    touches.THEME,
    depths.THEME,
    purses.THEME,
    markets.LENDING,
    crowds.FARM,
    crowds.SALES,
    delegation.THEME,
    blobs.THEME,
    system.THEME,
    race.THEME,
    mischief.THEME,
)
"""The simplest first."""

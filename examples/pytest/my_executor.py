"""An executor of blocks to be tested: rounds of blind execution, until nothing changes any more.

In each round every transition runs on what the last round left below it, all at once. A transition
is settled once all below it are, and it has read nothing that changed. It is simple, and slow.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

from pel_spec.fold import Result
from pel_spec.transition import Effects, RecordedView, TransitionBlock, run_contained
from pel_spec.vocabulary import PRE_STATE, Location, Value, Version


class MyExecutor:
    """What `pel_fuzz.testing.Executor` asks for: one method."""

    def execute(self, block: TransitionBlock) -> Result:
        """The block's result, as if its transitions had run one after the other."""
        effects = [Effects(writes={}) for _ in block.transitions]
        with ThreadPoolExecutor(max_workers=4) as pool:
            while True:
                below = [effects[:position] for position in range(len(effects))]
                after = list(pool.map(run_above, repeat(block), below))
                if after == effects:
                    return Result(memory_of(effects), tuple(effects))
                effects = after


def run_above(block: TransitionBlock, below: list[Effects]) -> Effects:
    """Run the next transition on the state that the effects below it leave."""
    memory = memory_of(below)

    def look_up(location: Location) -> tuple[Value, Version]:
        return memory.get(location) or (block.initial(location), PRE_STATE)

    transition = block.transitions[len(below)]
    return run_contained(transition, RecordedView(look_up), block.workspace())


def memory_of(effects: list[Effects]) -> dict[Location, tuple[Value, Version]]:
    """What these effects leave, one after the other: the last write to each location, and whose."""
    return {
        location: (value, Version(position, 0))
        for position, effect in enumerate(effects)
        for location, value in effect.writes.items()
    }

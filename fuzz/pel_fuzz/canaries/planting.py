"""How a bug of scheduler or memory is written, and planted.

As a bug of the specification's text is (`pel_proof.bugs`): a class that derives from a part of the
executor, and overrides some of its methods. While it is planted the executor is made of it in place
of that part. The name of the bug is that of the class, its docstring is the story; `Benign:` says
why it is none after all. What the text does in one action is one step here, under the same name;
where the text changes two objects in one action there is a second step, as a step has one object.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Final, TypeVar

from pel_fuzz.canaries.bug import Bug
from pel_parallel import executor
from pel_parallel.executor import Executor
from pel_parallel.memory import Memory
from pel_parallel.scheduler import Scheduler

Part = TypeVar("Part", bound=type)

PARTS: Final = (Scheduler, Memory, Executor)
"""What the executor is made of."""

PLANTABLE: Final[dict[str, Bug]] = {}
"""The bugs that were written so, by name."""


def bug(zoo: str, *others: type, registry: dict[str, Bug] = PLANTABLE) -> Callable[[Part], Part]:
    """The decorated class is a bug; `others` are further parts that it needs.

    `zoo` is the class of published bugs that it stands for, `registry` where it is put.
    """

    def register(part: Part) -> Part:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", part.__name__).lower()
        told = (" ".join(p.split()) for p in (inspect.getdoc(part) or "").split("\n\n"))
        story, _, benign = "\n".join(told).partition("\nBenign: ")
        plant = partial(planted_parts, (part, *others))
        registry[name] = Bug(name, zoo, story, plant, benign=benign or None)
        return part

    return register


def planted_parts(parts: Sequence[type]) -> AbstractContextManager[None]:
    """Executors are made of these parts for as long as the context lasts."""
    return _planted({part.__name__: _in_place_of(part, parts) for part in PARTS})


def _in_place_of(part: type, bugs: Sequence[type]) -> type:
    return next((found for found in bugs if issubclass(found, part)), part)


@contextmanager
def _planted(parts: dict[str, type]) -> Iterator[None]:
    before = {name: getattr(executor, name) for name in parts}
    for name, part in parts.items():
        setattr(executor, name, part)
    try:
        yield
    finally:
        for name, part in before.items():
            setattr(executor, name, part)

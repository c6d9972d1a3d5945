"""The tiny key-value machine: blocks that run in microseconds and have every kind of conflict.

It is all scheduler and no interpreter, so it explores interleavings a hundred times faster than
the EVM does. Instructions, values and the JSON form are on one page: `docs/formats/programs.md`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from pel_fuzz.formats.header import FormatError
from pel_spec.transition import Effects, Kind, View
from pel_spec.vocabulary import Location, Value

Instruction: TypeAlias = tuple[str | int, ...]
"""A name of `OPERANDS`, and an integer for each operand."""

Program: TypeAlias = tuple[Instruction, ...]

PRIME: Final = 2_147_483_647
"""Values are whole numbers below this, or `None` in a cell that was deleted."""
PAIRS: Final = 2
"""How many pairs of cells there are, of which both halves are always written alike."""
LARGEST_BLOCK: Final = 10_000
"""Transitions, instructions of a program, and cells that a file may hold."""

OPERANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "get": ("cell",),
    "put": ("cell",),
    "blind": ("cell", "number"),
    "add": ("cell", "number"),
    "copy": ("cell", "cell"),
    "delete": ("cell",),
    "branch": ("cell", "count"),
    "range": ("cell", "count"),
    "indirect": ("cell",),
    "revert": ("cell",),
    "pair": ("pair",),
    "check": ("pair",),
}
"""The instructions and what their operands are."""


class Torn(Exception):
    """The halves of a pair differ: no state that a block goes through in order is like that."""


class _Revert(Exception):
    """The transition gives up, without writes."""


@dataclass(slots=True)
class _Machine:
    """One program being executed: an accumulator that depends on everything read, and the writes,
    which the program itself sees at once."""

    view: View
    cells: int
    accumulator: int
    writes: dict[Location, Value] = field(default_factory=dict)

    def load(self, location: Location, predicate: str | None = None) -> int:
        writes = self.writes
        value = writes[location] if location in writes else self.view.read(location, predicate)[0]
        return value if isinstance(value, int) else 0

    def mix(self, number: int) -> int:
        mixed = self.accumulator = (self.accumulator * 31 + number + 7) % PRIME
        return mixed

    def get(self, cell: int) -> None:
        self.mix(self.load(("cell", cell)))

    def put(self, cell: int) -> None:
        self.writes["cell", cell] = self.accumulator

    def blind(self, cell: int, number: int) -> None:
        self.writes["cell", cell] = number

    def add(self, cell: int, number: int) -> None:
        self.writes["cell", cell] = (self.load(("cell", cell)) + number) % PRIME

    def copy(self, source: int, target: int) -> None:
        self.writes["cell", target] = self.load(("cell", source))

    def delete(self, cell: int) -> None:
        self.writes["cell", cell] = None

    def branch(self, cell: int, count: int) -> int:
        return count if self.load(("cell", cell)) % 2 else 0

    def range(self, cell: int, count: int) -> None:
        end = min(cell + count, self.cells)
        predicate = f"cells {cell} to {end - 1}"
        self.mix(sum(self.load(("cell", each), predicate) for each in range(cell, end)))

    def indirect(self, cell: int) -> None:
        self.get(self.load(("cell", cell)) % self.cells)

    def revert(self, cell: int) -> None:
        if self.load(("cell", cell)) % 2:
            raise _Revert

    def pair(self, pair: int) -> None:
        self.writes["pair", pair, 0] = self.writes["pair", pair, 1] = self.mix(pair)

    def check(self, pair: int) -> None:
        left, right = self.load(("pair", pair, 0)), self.load(("pair", pair, 1))
        if left != right:
            raise Torn(f"pair {pair} holds {left} and {right}")
        self.mix(left)


Code: TypeAlias = Sequence[tuple[Callable[..., int | None], Sequence[str | int]]]
"""A program, with the method that executes each instruction."""
_CODE: Final[Mapping[str | int, Callable[..., int | None]]] = {
    name: getattr(_Machine, name) for name in OPERANDS
}


@dataclass(frozen=True, slots=True)
class TinyTransition:
    """One program at its position. Its outcome is the accumulator, or that it gave up."""

    position: int
    program: Program
    cells: int
    _code: Code = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        code = [(_CODE[name], operands) for name, *operands in self.program]
        object.__setattr__(self, "_code", code)

    @property
    def kind(self) -> Kind:
        return Kind.TRANSACTION

    @property
    def tx_index(self) -> int:
        return self.position

    def run(self, view: View, workspace: Any) -> Effects:
        """Execute the program once.

        Raises: `Torn`.
        """
        machine = _Machine(view, self.cells, self.position + 1)
        code, end, at = self._code, len(self.program), 0
        try:
            while at < end:
                instruction, operands = code[at]
                at += 1
                skipped = instruction(machine, *operands)
                if skipped:
                    at += skipped
        except _Revert:
            return Effects({}, ("reverted",))
        return Effects(machine.writes, ("ended", machine.accumulator))


@dataclass(frozen=True, slots=True)
class TinyBlock:
    """A block of programs over cells with `initial` values; the halves of pairs begin with 0."""

    programs: tuple[Program, ...]
    initial_values: tuple[int, ...] = (0, 0, 0, 0)
    transitions: tuple[TinyTransition, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cells = len(self.initial_values)
        made = (TinyTransition(i, program, cells) for i, program in enumerate(self.programs))
        object.__setattr__(self, "transitions", tuple(made))

    def initial(self, location: Location) -> Value:
        """The value before the block."""
        kind, which, *_ = location
        return self.initial_values[which] if kind == "cell" and isinstance(which, int) else 0

    def workspace(self) -> None:
        """Programs need none."""


# ---- JSON -----------------------------------------------------------------------------------


def to_json(block: TinyBlock) -> dict[str, Any]:
    """A block as it stands in a case file."""
    return {
        "initial": list(block.initial_values),
        "programs": [[list(instruction) for instruction in each] for each in block.programs],
    }


def from_json(document: object) -> TinyBlock:
    """The block that a case file holds.

    Raises: `FormatError`, with the path of the field.
    """
    if not isinstance(document, dict):
        raise FormatError("", "a tiny block must be an object")
    unknown = set(document) - {"initial", "programs"}
    if unknown:
        raise FormatError(min(map(str, unknown)), "unknown field")
    initial = tuple(
        _number(value, f"initial[{i}]", 0, PRIME - 1)
        for i, value in enumerate(_list(document.get("initial"), "initial", 1))
    )
    programs = _list(document.get("programs"), "programs", 0)
    return TinyBlock(
        tuple(_program(each, f"programs[{i}]", len(initial)) for i, each in enumerate(programs)),
        initial,
    )


def _list(value: object, at: str, shortest: int) -> Sequence[object]:
    if not isinstance(value, list) or not shortest <= len(value) <= LARGEST_BLOCK:
        raise FormatError(at, f"expected a list of {shortest} to {LARGEST_BLOCK} elements")
    return value


def _number(value: object, at: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise FormatError(at, f"expected an integer from {low} to {high}")
    return value


def _program(value: object, at: str, cells: int) -> Program:
    return tuple(
        _instruction(each, f"{at}[{i}]", cells) for i, each in enumerate(_list(value, at, 0))
    )


def _instruction(value: object, at: str, cells: int) -> Instruction:
    name, *operands = _list(value, at, 1)
    kinds = OPERANDS.get(name) if isinstance(name, str) else None
    if kinds is None:
        raise FormatError(f"{at}[0]", f"expected one of {', '.join(OPERANDS)}")
    if len(operands) != len(kinds):
        raise FormatError(at, f"{name} takes {len(kinds)} operands, not {len(operands)}")
    bounds = {
        "cell": (0, cells - 1),
        "number": (0, PRIME - 1),
        "count": (1, LARGEST_BLOCK),
        "pair": (0, PAIRS - 1),
    }
    checked = (
        _number(operand, f"{at}[{i}]", *bounds[kind])
        for i, (operand, kind) in enumerate(zip(operands, kinds, strict=True), start=1)
    )
    return (str(name), *checked)

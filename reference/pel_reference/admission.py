"""Room in the block: whether the gas that lower transactions leave suffices for one more.

Each transaction declares what it may use at most, and writes what it was charged into its gas cell
(blob gas likewise). While everything declared fits, nobody reads those cells, and transactions
stay independent; where it might not, the cells of lower positions are read, and only as many as
the answer needs. Source: EIP-4844 for blob gas.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

from pel_reference.overlay import Overlay


@dataclass(frozen=True, slots=True)
class Room:
    """One resource of the block, and who may use how much of it.

    `limit` is what the block has. `positions` are those of the transactions that declare some, in
    the preset order, and `declared` what each may use at most; `declared_below[i]` is the sum of
    what the first `i` of them declare. `kind` and `predicate` are those of the cells' reads.
    """

    kind: str
    predicate: str
    limit: int
    positions: tuple[int, ...]
    declared: tuple[int, ...]
    declared_below: tuple[int, ...]

    @classmethod
    def of(cls, kind: str, predicate: str, limit: int, claims: Iterable[tuple[int, int]]) -> Self:
        """`claims` are pairs of position and declared amount, in the preset order."""
        listed = tuple(claims)
        declared = tuple(amount for _, amount in listed)
        below = tuple(accumulate(declared, initial=0))
        return cls(kind, predicate, limit, tuple(at for at, _ in listed), declared, below)

    def suffices(self, overlay: Overlay, claim: int) -> bool:
        """Whether the claim with this index (among `positions`) fits in what lower ones left.

        It reads the cells of lower positions, the lowest first, until the answer is certain.
        """
        most = self.limit - self.declared[claim]  # what the lower ones may have used
        used, unread = 0, self.declared_below[claim]
        for index in range(claim):
            if used + unread <= most:
                return True
            if used > most:
                return False
            used += overlay.read((self.kind, self.positions[index]), self.predicate)[0]
            unread -= self.declared[index]
        return used <= most

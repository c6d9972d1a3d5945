"""The abstract machine: what any optimistic executor does, in five actions.

Each transition is executed, by incarnations, against a memory in which lower and higher ones come
and go: it *reads*, and in the end it *publishes* what it writes, all at once. Its reads are looked
up again (*validate*). Whatever is not committed can be taken back (*abort*). What is *committed*
stays; only a prefix of the block can be, and only when each of its reads has been looked up again
and holds now.

How an executor finds out that reads hold, who executes what and when, with how many threads, in
waves or one by one, is left open: Block-STM, access lists and executors that validate in order are
all this machine, each with its own way to choose the next action. The theorem is about any of them:

    Of the committed prefix, every transition has read what the fold in the preset order would have
    given it, and memory is what the fold leaves. (`pel_proof.serial`, `pel prove --theorem`.)

An optimistic read may see anything, a half-written incarnation too: what counts is what holds when
it is committed. Incarnations are numbers; they need not be consecutive, but a later one is higher,
so a version (position, incarnation) is written once.
"""

from pel_spec.kernel import (
    BEFORE,
    Incarnation,
    Number,
    Place,
    Places,
    Position,
    State,
    Writer,
    require,
    shared,
)

NOTHING = -1
"""In the place of an incarnation: there is none."""


class OptimisticState(State):
    """What the abstract machine knows of each position. All of its reads are those of the
    incarnation that runs or is published; an abort forgets them."""

    committed = shared("block", initial=0)
    published = shared("position", "Position", initial=NOTHING)
    answered = shared("position", "Position", initial=NOTHING)
    wrote = shared("position", "Position", "Place", initial=False)
    reads = shared("position", "Position", "Place", initial=False)
    source = shared("position", "Position", "Place", initial=BEFORE)
    source_inc = shared("position", "Position", "Place", initial=0)
    checked = shared("position", "Position", "Place", initial=False)

    def holds(s, i: Position, x: Place) -> bool:
        """Would `i` read at `x` the very version that it has read?"""
        k = s.source[i, x]
        return (k == BEFORE or (s.wrote[k, x] and s.published[k] == s.source_inc[i, x])) and all(
            not s.wrote[j, x] for j in s.positions if k < j < i
        )


class Optimistic(OptimisticState):
    """The five actions."""

    def read(s, i: Position, x: Place, k: Writer, c: Incarnation) -> None:
        """The running incarnation of `i` is shown version `(k, c)` at `x`, or the state before the
        block. It keeps to what it was shown first."""
        require(s.published[i] == NOTHING and not s.reads[i, x])
        require(BEFORE <= k < i)
        s.reads[i, x] = True
        s.source[i, x] = k
        s.source_inc[i, x] = c

    def publish(s, i: Position, c: Incarnation, writes: Places) -> None:
        """Incarnation `c` of `i` has ended, and what it writes can be read. A number is used once:
        else a reader could not tell what it has read from what is there (ABA)."""
        require(s.published[i] == NOTHING and c > s.answered[i])
        s.published[i] = c
        s.answered[i] = c
        s.wrote[i, :] = writes

    def validate(s, i: Position, x: Place, k: Writer, c: Incarnation) -> None:
        """The read at `x` is looked up again, and gives the same version."""
        require(s.reads[i, x] and s.source[i, x] == k)
        require(k == BEFORE or s.source_inc[i, x] == c)
        s.checked[i, x] = True

    def abort(s, i: Position) -> None:
        """What `i` did is taken back, whether it runs or is published."""
        require(i >= s.committed)
        s.published[i] = NOTHING
        s.wrote[i, :] = False
        s.reads[i, :] = False
        s.checked[i, :] = False

    def commit(s, upto: Number) -> None:
        """The prefix below `upto` is final: one more position, or several at once."""
        require(s.committed <= upto <= s.n)
        require(all(s.published[i] != NOTHING for i in s.positions if s.committed <= i < upto))
        require(
            all(
                s.checked[i, x] and s.holds(i, x)
                for i in s.positions
                for x in s.locations
                if s.committed <= i < upto and s.reads[i, x]
            )
        )
        s.committed = upto


class OptimisticInvariants(OptimisticState):
    """What holds in every reachable state of the abstract machine, and suffices for the theorem."""

    def ranges(s) -> bool:
        """Commits are a prefix of the block; incarnations count from 0."""
        return 0 <= s.committed <= s.n and all(s.answered[i] >= NOTHING for i in s.positions)

    def committed_is_published(s) -> bool:
        """What is committed is there."""
        return all(s.published[i] != NOTHING for i in s.positions if i < s.committed)

    def committed_reads_hold(s) -> bool:
        """What is committed has read what it would read now: nothing below can change any more."""
        return all(
            s.checked[i, x] and s.holds(i, x)
            for i in s.positions
            for x in s.locations
            if i < s.committed and s.reads[i, x]
        )

    def only_published_writes(s) -> bool:
        """Memory holds published incarnations alone."""
        return all(
            s.published[i] != NOTHING for i in s.positions for x in s.locations if s.wrote[i, x]
        )

    def reads_are_below(s) -> bool:
        """Each read is of the state before the block or of a lower position."""
        return all(
            BEFORE <= s.source[i, x] < i for i in s.positions for x in s.locations if s.reads[i, x]
        )

"""How Block-STM is the abstract machine: the state that it stands for, and what each action does
there. An action that is not named here changes nothing in the abstract machine. `pel_proof` proves
that every step of Block-STM is the abstract step, or none, that its text here says."""

from pel_spec.kernel import Place, Position, Worker, Writer
from pel_spec.optimistic import NOTHING, Optimistic
from pel_spec.scheduler.ghosts import Ghosts
from pel_spec.scheduler.state import ESTIMATE, Status


class Abstraction(Ghosts):
    """The abstract state that a state of Block-STM stands for, field by field."""

    def has_reads(s, i: Position) -> bool:
        """Does `i` have an incarnation that runs or is published?"""
        return s.status[i] in (Status.EXECUTING, Status.EXECUTED, Status.COMMITTED)

    def as_committed(s) -> int:
        """The rolling commit's prefix; when the block is done, all of it."""
        return s.n if s.done else s.committed

    def as_published(s, i: Position) -> int:
        """What is executed, or committed, is published."""
        return s.inc[i] if s.finished(i) else NOTHING

    def as_answered(s, i: Position) -> int:
        """The newest incarnation that was published."""
        return s.answered[i]

    def as_wrote(s, i: Position, x: Place) -> bool:
        """Memory shows what is published; entries of what is executing or aborting are not yet,
        or no more, what the abstract machine knows."""
        return s.finished(i) and s.last_written[i, x]

    def as_reads(s, i: Position, x: Place) -> bool:
        """The read set of the present incarnation, while it has one."""
        return s.has_reads(i) and s.reads[i, s.inc[i], x]

    def as_source(s, i: Position, x: Place) -> int:
        """The writer of what was read."""
        return s.source[i, s.inc[i], x]

    def as_source_inc(s, i: Position, x: Place) -> int:
        """That writer's incarnation."""
        return s.source_inc[i, s.inc[i], x]

    def as_checked(s, i: Position, x: Place) -> bool:
        """Which reads were looked up again."""
        return s.has_reads(i) and s.checked[i, x]


class Steps(Abstraction):
    """What an action of Block-STM does to the abstract machine `m`. `s` is the state before it."""

    def read_cell(s, m: Optimistic, w: Worker, x: Place, k: Writer) -> None:
        """A read, unless it meets an ESTIMATE."""
        if k < 0 or s.mem[k, x] != ESTIMATE:
            m.read(s.held[w], x, k, s.mem[k, x])

    def stay(s, m: Optimistic, w: Worker) -> None:
        """What was read is forgotten."""
        m.abort(s.held[w])

    def mark_suspended(s, m: Optimistic, w: Worker) -> None:
        """A suspension is an abort of what runs."""
        m.abort(s.held[w])

    def publish(s, m: Optimistic, w: Worker) -> None:
        """All of its writes at once; that they are in memory already, nobody is to notice."""
        m.publish(s.held[w], s.held_inc[w], s.last_written[s.held[w], :])

    def check_read(s, m: Optimistic, w: Worker, x: Place, k: Writer) -> None:
        """A validation of one read, if it is one of the present incarnation, and has passed."""
        i, c = s.held[w], s.held_inc[w]
        if s.finished(i) and c == s.inc[i] and s.same_version(i, c, x, k):
            m.validate(i, x, k, s.source_inc[i, c, x])

    def commit_check(s, m: Optimistic, w: Worker, x: Place, k: Writer) -> None:
        """As a validator does."""
        i, c = s.held[w], s.held_inc[w]
        if s.finished(i) and c == s.inc[i] and s.same_version(i, c, x, k):
            m.validate(i, x, k, s.source_inc[i, c, x])

    def try_validation_abort(s, m: Optimistic, w: Worker) -> None:
        """An abort, unless somebody was faster."""
        i = s.held[w]
        if s.status[i] == Status.EXECUTED and s.inc[i] == s.held_inc[w]:
            m.abort(i)

    def commit_advance(s, m: Optimistic, w: Worker) -> None:
        """One more position, which nobody could abort any more."""
        if not s.done:
            m.commit(s.held[w] + 1)

    def set_done(s, m: Optimistic, w: Worker) -> None:
        """All that is left, at once."""
        m.commit(s.n)

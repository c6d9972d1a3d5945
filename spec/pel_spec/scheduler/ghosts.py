"""Ghost state: what only the proof knows. It is written by the methods here, called by the actions
that it follows, and no action ever reads it (a test says so): without it, nothing would change."""

from pel_spec.kernel import Place, Position, Worker, ghost
from pel_spec.scheduler.state import SchedulerState


class Ghosts(SchedulerState):
    """The ghost fields and their updates."""

    # Active workers, numbered without gaps: so `num_active` is how many there are, of any number.
    place = ghost("Worker")
    at_place = ghost("Slot", to="Worker")
    # The newest incarnation of each position that was published.
    answered = ghost("Position", initial=-1)
    # Which reads of a position's present incarnation were looked up again, with the same result.
    checked = ghost("Position", "Place", initial=False)
    # How often the entries of a position have changed, and what others knew of it when they began.
    changes = ghost("Position")
    since = ghost("Position", "Position")

    @property
    def slots(s) -> range:
        """The numbers of the active workers."""
        return range(s.num_active)

    def ghost_enter(s, w: Worker) -> None:
        """Just before `num_active` is incremented."""
        s.place[w] = s.num_active
        s.at_place[s.num_active] = w

    def ghost_leave(s, w: Worker) -> None:
        """Just before `num_active` is decremented: the last takes the place of `w`."""
        last, gap = s.at_place[s.num_active - 1], s.place[w]
        s.at_place[gap] = last
        s.place[last] = gap

    def ghost_begin(s, i: Position) -> None:
        """An incarnation of `i` begins."""
        s.since[i, :] = s.changes[:]
        s.checked[i, :] = False

    def ghost_changed(s, i: Position) -> None:
        """An entry of `i` has changed."""
        s.changes[i] += 1

    def ghost_answered(s, w: Worker) -> None:
        """The incarnation that `w` holds is published."""
        s.answered[s.held[w]] = s.held_inc[w]

    def ghost_checked(s, w: Worker, x: Place) -> None:
        """The read at `x` of the incarnation that `w` holds, if it is the present one, was looked
        up again."""
        if s.held_inc[w] == s.inc[s.held[w]]:
            s.checked[s.held[w], x] = True

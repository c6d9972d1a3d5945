"""The seeded bugs of the text and all its mutants, judged: the page `docs/mutation.md`.

python benchmarks/bench_mutation.py > docs/mutation.md
"""

from collections.abc import Iterator

from pel_proof.bugs import BUGS, Bug, failing
from pel_proof.mutation.judge import Report, mutate
from pel_proof.mutation.survivors import SURVIVORS

HEAD = """\
# Bugs in the text, and mutants of it

A proof that goes through whatever it is about proves nothing. So the text of the scheduler is \
changed: by hand, into schedulers that are wrong as real ones were (`pel prove --seed-bug NAME`), \
and by machine, one small change after the other (`pel prove --mutate`). What is wrong has to \
fail an obligation. The page is made by `benchmarks/bench_mutation.py`.

## Seeded bugs

Each is a small class that overrides actions of the text (`pel_proof.bugs`), so it runs as well. \
*like*: a published bug of this kind. The last column is the first obligation that fails, and how \
many do; of what changes nothing, why. For each bug that breaks an invariant, a counterexample in \
a finite scope is found, and confirmed by the text itself (`tests/spec/test_text_bugs.py`).
"""

MUTANTS = """\
## Mutants

Of each action of Block-STM, of what actions share, of each ghost update, and of each action of \
the abstract machine: each statement is left out, each branch always taken and never, each part \
of a condition dropped; each comparison is off by one, and the wrong way round; each place and \
status is another one; numbers and truth values are others; `min` is one of the two; `all` is \
`any`. Not changed is what an action returns: that is what a trace tells of it, and conformance \
judges it.

Safety is asked first, so the other families count what it does not see. *vacuity*: no state fits \
a way through the action any more. *reachability*: one worker alone does not come to other \
actions where it comes to them in the text.
"""

REST = """\
## Survivors

Those that nothing is proved against, each with its reason: the other text is right too. One that \
is not on the list, and one that is and is killed, make `pel prove --mutate` fail.
"""


def row(*cells: str) -> str:
    """A line of a table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def verdict(bug: Bug) -> str:
    """What the proof says of a bug."""
    failed = [found.obligation.name for found in failing(bug)]
    assert bool(failed) != bool(bug.benign)
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return bug.benign or f"`{failed[0]}`{more}"


def page(report: Report) -> Iterator[str]:
    """The whole page."""
    assert report.holds, (report.unexplained, report.stale)
    yield from (HEAD, row("bug", "what is wrong", "like", "fails"), "|---|---|---|---|")
    for name, bug in BUGS.items():
        yield row(f"`{name}`", bug.why, bug.like or "", verdict(bug))
    killed = report.families.total()
    yield from ("", MUTANTS)
    yield f"{len(report.outcomes)} mutants, {killed} killed, {len(SURVIVORS)} survive.\n"
    yield from (row("killed by", "mutants"), "|---|---|")
    yield from (row(family, str(count)) for family, count in report.families.most_common())
    yield from ("", REST, row("mutant", "why"), "|---|---|")
    yield from (row(name, why) for name, why in SURVIVORS.items())


if __name__ == "__main__":
    print("\n".join(page(mutate())))

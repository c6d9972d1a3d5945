"""Write `spec/pel_proof/leans_on.py` again: which invariants the proof of each one needs.

    python tools/leans_on.py

To be run when an action or an invariant has changed; a test says when.
"""

from pathlib import Path

from pel_proof.solve import PROVED, UNCHANGED, decide, leans_on
from pel_proof.suite import obligations

PLACE = Path(__file__).parent.parent / "spec" / "pel_proof" / "leans_on.py"

HEAD = '''"""What the proof of each invariant leans on: a hint for the solver and for a reader.

Written by `tools/leans_on.py` from unsat cores. Nothing depends on it but speed: what is not proved
from these is tried again from all.
"""

from collections.abc import Mapping

LEANS_ON: Mapping[str, tuple[str, ...]] = {
'''


def main() -> None:
    """Find and write."""
    used: dict[str, set[str]] = {}
    for obligation in obligations(("invariants",)):
        mine = used.setdefault(obligation.about, set())
        reason = decide(obligation, frozenset(mine))
        if reason in (PROVED, UNCHANGED):
            continue  # what is there already suffices
        mine |= leans_on(obligation) or set()
    lines = [f'    "{name}": (\n{_names(sorted(mine))}    ),\n' for name, mine in used.items()]
    PLACE.write_text(HEAD + "".join(lines) + "}\n", encoding="utf-8")


def _names(names: list[str]) -> str:
    return "".join(f'        "{name}",\n' for name in names)


if __name__ == "__main__":
    main()

"""Write `fuzz/pel_fuzz/coverage/impossible.py` again: which pairs of actions are proved impossible.

    python tools/impossible_pairs.py

To be run when an action, an invariant or the object of an action has changed; a test says when.
"""

from pathlib import Path

from pel_fuzz.coverage.pairs import CONFLICTING
from pel_fuzz.coverage.proving import proved_impossible

PLACE = Path(__file__).parent.parent / "fuzz" / "pel_fuzz" / "coverage" / "impossible.py"

HEAD = '''"""Pairs of actions that never meet at an object: proved by `pel_proof.neighbours`.

Written by `tools/impossible_pairs.py`; a test proves them again. Nothing is known of the others but
what campaigns have shown.
"""

from typing import Final

IMPOSSIBLE: Final = frozenset(
    (
'''


def main() -> None:
    """Prove and write."""
    proved = [pair for pair in CONFLICTING if proved_impossible(pair)]
    lines = [f'        ("{pair.first}", "{pair.then}"),\n' for pair in proved]
    PLACE.write_text(HEAD + "".join(lines) + "    )\n)\n", encoding="utf-8")


if __name__ == "__main__":
    main()

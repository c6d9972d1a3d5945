"""Pairs of actions that never meet at an object: proved by `pel_proof.neighbours`.

Written by `tools/impossible_pairs.py`; a test proves them again. Nothing is known of the others but
what campaigns have shown.
"""

from typing import Final

IMPOSSIBLE: Final = frozenset(
    (
        ("read_estimate", "read_estimate"),
        ("read_estimate", "stay"),
        ("read_estimate", "suspend"),
        ("read_estimate", "swap_deps"),
        ("stay", "stay"),
        ("stay", "suspend"),
        ("mark_suspended", "mark_suspended"),
        ("mark_suspended", "publish"),
        ("mark_suspended", "set_ready"),
        ("suspend", "stay"),
        ("suspend", "suspend"),
        ("load_written", "record_done"),
        ("record_done", "record_done"),
        ("publish", "mark_suspended"),
        ("publish", "publish"),
        ("publish", "resume_one"),
        ("publish", "set_ready"),
        ("swap_deps", "stay"),
        ("swap_deps", "suspend"),
        ("resume_one", "mark_suspended"),
        ("resume_one", "publish"),
        ("resume_one", "resume_one"),
        ("resume_one", "set_ready"),
        ("set_ready", "mark_suspended"),
        ("set_ready", "publish"),
        ("set_ready", "resume_one"),
        ("set_ready", "set_ready"),
    )
)

"""One controlled run is deterministic: same block, same choices, same trace, byte for byte."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "fixed_runs.py"
HASH_SEEDS, REPETITIONS = 20, 50
"""A thousand times the same run, in as many processes as there are hash seeds."""


def digest(python: str, kind: str, hash_seed: int, repetitions: int) -> str:
    """What the fixed runs leave, in a process of its own."""
    folders = ("spec", "reference", "parallel", "fuzz")
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in folders),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    finished = subprocess.run(
        [python, str(SCRIPT), kind, str(repetitions)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


@pytest.fixture(scope="module")
def ours() -> str:
    """The digest on greenlets, in this interpreter."""
    return digest(sys.executable, "greenlets", 0, 1)


def test_a_thousand_repetitions_under_changing_hash_seeds(ours: str) -> None:
    found = {
        digest(sys.executable, "greenlets", 7 * seed + 1, REPETITIONS) for seed in range(HASH_SEEDS)
    }
    assert found == {ours}


def test_real_threads_make_the_same_traces(ours: str) -> None:
    assert digest(sys.executable, "batons", 5, 5) == ours


def answers(python: str) -> bool:
    """Is this really an interpreter? A version manager leaves names that are none."""
    finished = subprocess.run([python, "-c", ""], capture_output=True, check=False)
    return finished.returncode == 0


def other_interpreters() -> list[str]:
    """Other versions of Python on the path, or beside this one as version managers keep them."""
    found = []
    for minor in set(range(11, 20)) - {sys.version_info.minor}:
        name = f"python3.{minor}"
        beside = sorted(Path(sys.base_prefix).parent.glob(f"3.{minor}*/bin/{name}"))
        candidates = [shutil.which(name), *map(str, beside)]
        found += [next((p for p in candidates if p and answers(p)), "")]
    return sorted(filter(None, found))


def test_other_interpreters_make_the_same_traces(ours: str) -> None:
    """Batons need nothing but the standard library."""
    others = other_interpreters()
    if not others:
        pytest.skip("no other version of Python is here")
    assert {python: digest(python, "batons", 3, 2) for python in others} == dict.fromkeys(
        others, ours
    )

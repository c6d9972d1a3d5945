"""The pytest plugin, as a user runs it: in a folder of their own, with an executor of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from pel_spec.fold import Result, fold

class Good:
    def execute(self, block):
        return fold(block)[0]

class Loses:
    def execute(self, block):
        result, _ = fold(block)
        last = len(block.transitions) - 1
        kept = {at: e for at, e in result.memory.items() if e[1].position != last}
        return Result(kept, result.effects)

number = 3
"""
FEW = ("--pel-max-examples", "4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    return tmp_path


def _pytest(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "pel_fuzz.pytest_plugin", "-v", *arguments]
    without = ("PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST")
    done = subprocess.run(
        command,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in without},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout


def test_without_the_option_nothing_is_changed_or_loaded(folder: Path) -> None:
    (folder / "conftest.py").write_text(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    ours = ('pel_', 'eth', 'hypothesis.')\n"
        "    print('LOADED', sorted(each for each in sys.modules if each.startswith(ours)))\n"
    )
    code, out = _pytest(folder, "-s", "-p", "no:hypothesispytest")
    assert code == 0 and "1 passed" in out
    assert "LOADED ['pel_fuzz', 'pel_fuzz.pytest_plugin']" in out


def test_the_tests_are_added_and_can_be_selected(folder: Path) -> None:
    code, out = _pytest(folder, "--pel-executor", "mine:Good", *FEW, "--pel-seed", "1")
    assert code == 0 and "3 passed" in out
    for name in ("test_tiny_blocks", "test_evm_blocks"):
        assert f"pel::TestExecutor::{name} PASSED" in out
    code, out = _pytest(
        folder, "--pel-executor", "mine:Good", *FEW, "-m", "pel", "-k", "tiny", "-W", "error"
    )
    assert code == 0 and "1 passed, 2 deselected" in out


def test_a_wrong_executor_is_found_on_two_workers_and_replayed(folder: Path) -> None:
    wrong = ("--pel-executor", "mine:Loses", "--pel-out", "kept")
    code, out = _pytest(folder, *wrong, "--pel-max-examples", "30", "-k", "tiny", "-n", "2")
    assert code == 1 and "1 failed" in out
    assert "DIFFERENCE (result) in the block" in out
    (path,) = (folder / "kept").iterdir()
    replay = f"pytest --pel-executor mine:Loses --pel-case kept/{path.name}"
    assert replay in out
    code, out = _pytest(folder, *replay.split()[1:])
    assert code == 1 and "as recorded" in out and "1 failed, 1 passed" in out
    code, out = _pytest(folder, "--pel-executor", "mine:Good", "--pel-case", "kept")
    assert code == 0 and "2 passed" in out


def test_the_example_to_copy_passes(tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "pytest"
    for path in example.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    code, out = _pytest(tmp_path)
    assert code == 0 and "3 passed" in out


def test_tests_beside_the_executor_can_import_it_in_any_import_mode(folder: Path) -> None:
    (folder / "test_beside.py").write_text("from mine import Good\n\ndef test_it():\n    Good()\n")
    given = ("--import-mode=importlib", "--pel-executor", "mine:Good", *FEW, "-k", "it or tiny")
    command = [str(Path(sys.executable).with_name("pytest")), *given]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "2 passed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--pel-executor", "mine"], "is not MODULE:FACTORY"),
        (["--pel-executor", "mine:None"], "has no attribute 'None'"),
        (["--pel-executor", "mine:number"], "is not callable"),
        (["--pel-executor", "mine:Good", "--pel-fork", "Nowhere"], "Nowhere"),
        (["--pel-executor", "mine:Good", "--pel-case", "none.json"], "none.json"),
        (["--pel-case", "none.json"], "goes with --pel-executor"),
        (["--pel-executor", "mine:Good", "--pel-case", "empty"], "empty: no case file"),
        (["--pel-executor", "broken:It"], "broken:It: SyntaxError"),
        (["--pel-executor", "leaves:It"], "leaves:It: SystemExit"),
    ],
)
def test_bad_usage_is_one_clear_line(arguments: list[str], problem: str, folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "broken.py").write_text("class It(:\n")
    (folder / "leaves.py").write_text("raise SystemExit(3)\n")
    code, out = _pytest(folder, *arguments)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert problem in out and "Traceback" not in out

"""The set-up chooses a Python that works, is done once, and is never left half done."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
SHIM = "echo 'no such version' >&2; exit 127"
"""What a version manager leaves on PATH for a Python that is not chosen."""
GOOD = f'exec "{sys.executable}" "$@"'


def pretending(change: str) -> str:
    """A Python that believes something else of itself."""
    program = f"import sys, sysconfig; {change}; program = sys.argv.pop(1); exec(program)"
    return f'exec "{sys.executable}" -c "{program}" "$2" "$3"'


OLD = pretending("sys.version_info = (3, 10, 4)")
NEW = pretending("sys.version_info = (3, 14, 0)")
OTHER = pretending("sys.implementation.name = 'pypy'")
FREE_THREADED = pretending("sysconfig.get_config_var = lambda name: 1")
NO_VENV = pretending("sys.modules['ensurepip'] = None")


class Machine:
    """A PATH with few commands on it, and a checkout with the set-up's files in it."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.checkout = folder / "checkout"
        self.bin.mkdir()
        shutil.copytree(TOOLS, self.checkout / "tools")
        for name in ("cat", "cksum", "dirname", "ln", "mkdir", "rm", "sh"):
            found = shutil.which(name)
            assert found is not None
            (self.bin / name).symlink_to(found)

    def install(self, name: str, script: str) -> None:
        """Put a command on PATH."""
        command = self.bin / name
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    def run(self, script: str, *args: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts of `tools/`, with nothing in its environment but PATH."""
        return subprocess.run(
            ["sh", str(self.checkout / "tools" / script), *args],
            env={"PATH": str(self.bin), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any Python."""
    return Machine(tmp_path)


def test_first_python_that_works_is_chosen(machine: Machine) -> None:
    for name, script in [("python3", OLD), ("python3.13", SHIM), ("python3.12", GOOD)]:
        machine.install(name, script)
    machine.install("python3.11", "echo ok a later one")
    done = machine.run("find-python.sh", "venv")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, sys.executable, "")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (SHIM, "does not run"),
        (OLD, "is cpython 3.10.4"),
        (NEW, "is cpython 3.14.0"),
        (OTHER, "is pypy"),
        (FREE_THREADED, "is free-threaded"),
        (NO_VENV, "cannot make environments"),
    ],
)
def test_unusable_python_is_passed_over_with_a_reason(
    machine: Machine, script: str, reason: str
) -> None:
    machine.install("python3", script)
    done = machine.run("find-python.sh", "venv")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert f"python3 {reason}" in line
    assert "python3.13 is not there" in line


def test_python_without_venv_is_good_enough_for_uv(machine: Machine) -> None:
    machine.install("python3", NO_VENV)
    assert machine.run("find-python.sh").returncode == 0


def test_python_that_was_asked_for_is_the_only_candidate(machine: Machine) -> None:
    machine.install("python3", GOOD)
    machine.install("mine", OLD)
    done = machine.run("find-python.sh", "venv", PYTHON="mine")
    assert done.returncode == 1
    assert "mine is cpython 3.10.4" in done.stderr


@pytest.fixture
def set_up(machine: Machine) -> Callable[..., tuple[int, list[str]]]:
    """Runs the set-up with a uv that only notes what it is asked for, and installs nothing.

    Gives the exit code and uv's subcommands. `fails` is a word at which uv fails.
    """
    machine.install("python3", GOOD)
    machine.install(
        "uv",
        'echo "$1 $2" >>"$NOTES"\n'
        'case "$*" in *"$FAILS"*) exit 1 ;; esac\n'
        'if [ "$1" = venv ]; then mkdir -p .venv/bin; ln -s "$PYTHON3" .venv/bin/python; fi',
    )
    notes = machine.checkout.parent / "notes"
    for name in ("pyproject.toml", "requirements.lock"):
        (machine.checkout / name).write_text("first\n")

    def run(fails: str = "nothing", **variables: str) -> tuple[int, list[str]]:
        notes.write_text("")
        python3 = str(machine.bin / "python3")
        done = machine.run("setup.sh", NOTES=str(notes), FAILS=fails, PYTHON3=python3, **variables)
        return done.returncode, [line for line in notes.read_text().splitlines() if line[0] != "-"]

    return run


ALL = ["venv --quiet", "pip install", "pip install"]


def test_set_up_is_done_once(set_up: Callable[..., tuple[int, list[str]]]) -> None:
    assert set_up() == (0, ALL)
    assert set_up() == (0, [])
    assert set_up(PYTHON="python3") == (0, ALL)


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock", "tools/setup.sh"])
def test_set_up_is_done_again_after_a_change(
    machine: Machine, set_up: Callable[..., tuple[int, list[str]]], name: str
) -> None:
    assert set_up() == (0, ALL)
    with (machine.checkout / name).open("a") as file:
        file.write("# second\n")
    assert set_up() == (0, ALL)
    assert set_up() == (0, [])


def test_set_up_is_done_again_where_it_does_not_work(
    machine: Machine, set_up: Callable[..., tuple[int, list[str]]]
) -> None:
    assert set_up() == (0, ALL)
    os.remove(machine.checkout / ".venv/bin/python")
    assert set_up() == (0, ALL)
    machine.checkout.rename(machine.checkout.with_name("moved"))
    machine.checkout = machine.checkout.with_name("moved")
    assert set_up() == (0, ALL)


@pytest.mark.parametrize("fails", ["venv --quiet", "-r requirements.lock", "-e ."])
def test_broken_off_set_up_is_done_again(
    set_up: Callable[..., tuple[int, list[str]]], fails: str
) -> None:
    code, asked = set_up(fails=fails)
    assert code == 1
    assert asked == ALL[: len(asked)]
    assert set_up() == (0, ALL)

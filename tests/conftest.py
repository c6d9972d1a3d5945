"""What the tests of all layers share: interruptions that arrive, toolchains of other languages, and
CrossHair, which looks for a counterexample to a contract."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("pel", deadline=None)  # a busy machine is no failure
settings.load_profile("pel")


@pytest.fixture(scope="session", autouse=True)
def interruptions_arrive() -> None:
    """A shell starts what it puts into the background deaf to SIGINT, and Python stays so."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _works(name: str) -> bool:
    question = [name, "version" if name == "go" else "--version"]
    try:
        return (
            subprocess.run(question, capture_output=True, check=False, timeout=60).returncode == 0
        )
    except OSError:
        return False


@pytest.fixture(scope="session")
def toolchain() -> Callable[[str], str]:
    """The command of another language's toolchain; the test is skipped where it is not there, or
    is one in name only, as a version manager's without a version is."""
    known: dict[str, bool] = {}

    def find(name: str) -> str:
        if not known.setdefault(name, _works(name)):
            pytest.skip(f"{name} is not installed")
        return name

    return find


def run_crosshair(module: str | Path, seconds_a_condition: int) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("crosshair", reason="crosshair-tool is not installed")
    options = ["--analysis_kind=PEP316", f"--per_condition_timeout={seconds_a_condition}"]
    return subprocess.run(
        [sys.executable, "-m", "crosshair", "check", "--report_all", *options, str(module)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="session")
def crosshair() -> Callable[[str | Path, int], subprocess.CompletedProcess[str]]:
    return run_crosshair


@pytest.fixture
def judged_contracts(request: pytest.FixtureRequest) -> Callable[[], int]:
    """Tries each `post:` in the test's own module; none is refuted, none is passed over."""
    module = request.module

    def judge() -> int:
        found = run_crosshair(module.__file__, 4)
        assert found.returncode == 0, found.stdout + found.stderr
        judged = found.stdout.count("Confirmed over all paths")
        judged += found.stdout.count("Not confirmed")
        own = [e for e in vars(module).values() if getattr(e, "__module__", "") == module.__name__]
        lines = [line.strip() for each in own for line in (each.__doc__ or "").splitlines()]
        assert judged == sum(line.startswith("post: ") for line in lines)
        return judged

    return judge

"""The example in Go, through the protocol: healthy it agrees, and each of its seeded bugs is found,
shrunk, and replayed from its file."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from pel_fuzz.cli.app import run as pel
from pel_fuzz.drive.campaign import DrivePlan
from pel_fuzz.drive.external import External
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.formats.programs_json import question
from pel_fuzz.interleavings import Switches
from pel_fuzz.tiny import TinyBlock
from pel_spec.fold import fold

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "blockstm-go"
GO = shutil.which("go")
BUILD_SECONDS = 240

pytestmark = pytest.mark.skipif(GO is None, reason="Go is not installed")

BUGS = {
    "no-estimate": ("result", "history"),
    "abort-lowers-nothing": ("result", "history"),
    "done-while-active": ("result", "history", "fault:error"),
    "done-at-first-look": ("result", "history", "fault:error"),
    "lost-wake-up": ("fault:error",),
    "stays-active": ("liveness:livelock",),
    "keeps-lock": ("liveness:deadlock",),
}
"""By name, and as what it can be found: the beginnings of signatures."""


def go(*arguments: str, home: Path) -> str:
    """Run the Go tool offline; where it has no cache of its own, with one of the tests."""
    own = {"GOPROXY": "off", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOPATH": str(home / "path")}
    if "HOME" not in os.environ:
        own["GOCACHE"] = str(home / "cache")
    assert GO is not None
    finished = subprocess.run(
        [GO, *arguments],
        cwd=FOLDER,
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


@pytest.fixture(scope="session")
def go_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def executor(go_home: Path) -> str:
    """The command of the example, built once: whoever makes the lock's folder builds."""
    built, lock = go_home / "blockstm-go", go_home / "blockstm-go.lock"
    try:
        lock.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + BUILD_SECONDS
        while not built.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    else:
        go("build", "-o", str(built.with_suffix(".new")), ".", home=go_home)
        built.with_suffix(".new").rename(built)
    assert built.exists(), "the build in another process has failed"
    return str(built)


def test_the_example_is_in_order(go_home: Path, executor: str) -> None:
    assert go("vet", "./...", home=go_home) == ""
    formatter = Path(go("env", "GOROOT", home=go_home).strip()) / "bin" / "gofmt"
    if formatter.exists():
        listed = subprocess.run(
            [formatter, "-l", "."], cwd=FOLDER, capture_output=True, text=True, check=True
        )
        assert listed.stdout == ""
    go("test", "./...", home=go_home)


def drive(executor: str, *options: str) -> ExitCode:
    return pel(["client", "drive", "--command", executor, *options])


def test_the_healthy_example_agrees(
    executor: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--seed", "1", "--max-runs", "300", "--out", str(tmp_path), "--json")
    assert drive(f"{executor} -drive", *options) == ExitCode.AGREE
    report = json.loads(capsys.readouterr().out)
    counters = report["counters"]
    assert report["difference"] is None
    assert counters["starts"] == 1
    assert min(counters[each] for each in ("aborts", "suspensions", "blocked")) > 0


@pytest.mark.parametrize("bug", BUGS)
def test_a_seeded_bug_is_found_shrunk_and_replayed(
    executor: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    bug: str,
) -> None:
    monkeypatch.setattr("pel_fuzz.cli.driving.SHRINK_RUNS", 120)
    broken = f"{executor} -drive -bug {bug}"
    limits = ("--max-runs", "2000", "--shrink-time", "1000s")  # runs are the limit here
    options = ("--seed", "1", *limits, "--out", str(tmp_path), "--json")
    assert drive(broken, *options) == ExitCode.DIFFER
    report = json.loads(capsys.readouterr().out)
    signature = report["difference"]["signature"]
    assert signature.startswith(BUGS[bug])
    (found,), (small,) = tmp_path.glob("*found.json"), tmp_path.glob("*small.json")
    assert str(small) == report["case"]
    whole, least = (json.loads(path.read_text()) for path in (found, small))
    assert weight(least) < weight(whole)
    for path in (found, small):
        assert drive(broken, "--replay", str(path), "--json") == ExitCode.DIFFER
        replayed = json.loads(capsys.readouterr().out)
        assert replayed["reproduced"]
        assert replayed["differences"][0]["signature"] == signature
    assert drive(broken, "--replay", str(small), "--step") == ExitCode.DIFFER
    told = capsys.readouterr().out
    assert told.startswith("worker 0") and told.endswith("as recorded\n")
    # Without the bug, the same choices lead elsewhere, or nowhere: never to a difference.
    assert drive(f"{executor} -drive", "--replay", str(small)) != ExitCode.DIFFER


def weight(document: dict[str, object]) -> int:
    """Instructions and switches of a case."""
    block, choices = document["block"], document["choices"]
    assert isinstance(block, dict) and isinstance(choices, list)
    return sum(map(len, block["programs"])) + sum(len(each["switches"]) for each in choices)


def test_the_same_choices_make_the_same_transcript(executor: str) -> None:
    case, _ = DrivePlan(seed=3).case_at(0)
    block = case.subject
    assert isinstance(block, TinyBlock)
    transcripts: list[list[tuple[str, bytes]]] = []
    for _ in range(2):
        noted = Noted()
        with External(f"{executor} -drive", note=noted) as external:
            for interleaving in case.interleavings:
                made = external.run(block, case.workers, interleaving)
                assert external.run(block, case.workers, Switches(made.schedule)) == made
        transcripts.append(sorted_starts(noted.lines, case.workers))
    assert len(transcripts[0]) > 1000
    assert transcripts[0] == transcripts[1]


class Noted:
    """Keeps a transcript."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, bytes]] = []

    def __call__(self, mark: str, line: bytes) -> None:
        self.lines.append((mark, line))


def sorted_starts(lines: list[tuple[str, bytes]], workers: int) -> list[tuple[str, bytes]]:
    """A transcript, with the first steps of a run, which come in any order, in order."""
    starts = [number for number, line in enumerate(lines) if line[1].startswith(b'{"run"')]
    for start in starts:
        first = slice(start + 1, start + 1 + workers)
        lines[first] = sorted(lines[first])
    return lines


@pytest.mark.parametrize("mode", ["-sequential", "-workers=3"])
def test_it_runs_freely_too(executor: str, mode: str) -> None:
    case, _ = DrivePlan(seed=5).case_at(1)
    block = case.subject
    assert isinstance(block, TinyBlock)
    finished = subprocess.run(
        [executor, mode],
        input=question(block),
        capture_output=True,
        check=True,
        timeout=60,
    )
    got = json.loads(finished.stdout)
    expected = fold(block)[0]
    assert got["outcomes"] == [list(effects.outcome) for effects in expected.effects]

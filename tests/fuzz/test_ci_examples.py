"""The workflows to copy, and the pages about CI: every command in them is one of ours, as it is."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from pel_fuzz.cli import main  # noqa: F401 - registers the commands
from pel_fuzz.cli.app import app
from pel_fuzz.exit_codes import ExitCode

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "examples" / "ci").glob("*.yml"))
PAGES = [ROOT / "docs" / name for name in ("ci.md", "pytest.md", "formats/known.md")]
NEEDS = {"needs.seed.outputs.seed": "7", "inputs.seed": "", "strategy.job-index": "0"}


def _yaml() -> ModuleType:
    """PyYAML; on Python 3.13 it has another name."""
    name = "yaml" if find_spec("yaml") is not None else "yaml_ft"
    return pytest.importorskip(name)


def _load(path: Path) -> Any:
    return _yaml().safe_load(path.read_text(encoding="utf-8"))


def _variants(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The values of a job's matrix, one after the other."""
    matrix = job.get("strategy", {}).get("matrix", {})
    if "include" in matrix:
        yield from matrix["include"]
    elif matrix:
        ((name, values),) = matrix.items()
        yield from ({name: value} for value in values)
    else:
        yield {}


def _scripts(path: Path) -> Iterator[tuple[dict[str, str], str]]:
    """Each script of a workflow, for each variant, with its environment; expressions filled in."""
    workflow = _load(path)
    for job in workflow["jobs"].values():
        for variant in _variants(job):
            known = NEEDS | {f"matrix.{name}": str(value) for name, value in variant.items()}
            for step in job["steps"]:
                if "run" not in step:
                    continue
                given = workflow.get("env", {}) | job.get("env", {}) | step.get("env", {})
                env = {name: _filled(str(value), known) for name, value in given.items()}
                yield env, _filled(step["run"], known)


def _filled(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$\{\{\s*([\w.-]+)\s*\}\}", lambda found: known[found[1]], text)


def _commands(script: str, env: dict[str, str]) -> Iterator[list[str]]:
    """The command lines of ours in a script."""
    for line in script.replace("\\\n", " ").splitlines():
        words = line.split("#")[0].split("||")[0].strip()
        if words.startswith("pel "):
            for name, value in env.items():
                words = words.replace(f"${name}", value)
            yield shlex.split(words)[1:]


def _is_taken(arguments: list[str]) -> None:
    """The real command line takes these arguments, as far as that can be seen without running."""
    command: click.Command = app
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(click.Context(command), arguments)
        assert found is not None, name
        command = found
    command.make_context(command.name, arguments)


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the workflows ask of the repository that they are copied to."""
    (tmp_path / "tests" / "pel" / "corpus").mkdir(parents=True)
    (tmp_path / "tests" / "pel" / "known.toml").write_text('pel = "known"\nversion = 1\n')
    (tmp_path / "corpus").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_one(path: Path) -> None:
    workflow = _load(path)
    assert workflow["name"] and workflow["jobs"]
    assert "on" in workflow or True in workflow  # YAML 1.1 takes `on` for a truth value
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert "uses" not in step or re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_command_of_a_workflow_is_one_of_ours(path: Path) -> None:
    commands = [found for env, script in _scripts(path) for found in _commands(script, env)]
    assert commands
    for arguments in commands:
        _is_taken(arguments)


def test_a_command_that_is_none_is_refused() -> None:
    for line in ("fuzz --no-such-option", "no-such-command", "client check --seed x"):
        with pytest.raises(click.UsageError):
            _is_taken(line.split())


def test_pull_requests_run_the_corpus_a_fixed_seed_and_a_fresh_one() -> None:
    (path,) = (path for path in WORKFLOWS if path.name == "pull-request.yml")
    commands = [found for env, script in _scripts(path) for found in _commands(script, env)]
    assert ["--corpus" in each for each in commands] == [True, False, False]
    assert ["--seed" in each for each in commands] == [False, True, False]


def test_the_shards_of_a_night_are_all_there_and_have_one_seed() -> None:
    (path,) = (path for path in WORKFLOWS if path.name == "nightly.yml")
    commands = [found for env, script in _scripts(path) for found in _commands(script, env)]
    shards = [each[each.index("--shard") + 1] for each in commands]
    assert shards == [f"{number}/8" for number in range(1, 9)]
    assert {each[each.index("--seed") + 1] for each in commands} == {"7"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize("code", list(ExitCode))
def test_only_a_difference_looks_like_one(path: Path, code: ExitCode, checkout: Path) -> None:
    """The step is run by bash, with a command that ends with this code."""
    stub = checkout / "bin" / "pel"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\nexit {int(code)}\n")
    stub.chmod(0o755)
    env, script = next(s for s in _scripts(path) if any(_commands(s[1], s[0])))
    output = checkout / "output"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env=os.environ | env | {"GITHUB_OUTPUT": str(output), "PATH": f"{stub.parent}:{_path()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert output.read_text() == f"code={int(code)}\n"
    assert ("a difference::" in done.stdout) is (code is ExitCode.DIFFER)
    assert ("::error" in done.stdout) is (code in (ExitCode.DIFFER, ExitCode.BAD_INPUT))
    assert bool(done.stdout) is (code is not ExitCode.AGREE)


def _path() -> str:
    return os.environ["PATH"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_of_a_page_is_one_of_ours(path: Path) -> None:
    for block in re.findall(r"```\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
        for arguments in _commands(re.sub(r"^to \w+ +", "", block, flags=re.MULTILINE), {}):
            _is_taken(arguments)

"""Files of tests are found, run and kept, whatever their names."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.client.fixtures.fixture_run import FixtureClient, Said, Told
from pel_fuzz.client.fixtures.fixtures import fixture_files
from pel_fuzz.client.fixtures.keeping import keep
from pel_fuzz.client.running.limits import Limits
from pel_reference.errors import InputError


def test_a_folder_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    (tmp_path / "closed").mkdir()
    (tmp_path / "a.json").write_text("{}")
    assert fixture_files(tmp_path) == [tmp_path / "a.json"]
    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="closed: cannot be read: Permission denied"):
        fixture_files(tmp_path)


@pytest.mark.parametrize("name", ["\ud800", "\u6f22" * 90, "../x", "", "a\n\x1b[2J", "x" * 999])
def test_a_test_is_kept_whatever_its_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "tests.json"
    path.write_text(json.dumps({name: {"blocks": []}}))
    kept = keep(tmp_path, Told(name, path, Said.FAIL, "exit"))
    assert kept.parent == tmp_path
    assert json.loads(kept.read_text()) == {name: {"blocks": []}}


def test_names_that_look_alike_as_files_are_kept_apart(tmp_path: Path) -> None:
    names = ["a/b", "a:b", "x" * 200 + "1", "x" * 200 + "2"]
    path = tmp_path / "tests.json"
    path.write_text(json.dumps({name: {"blocks": []} for name in names}))
    kept = {keep(tmp_path, Told(name, path, Said.FAIL, "exit")) for name in names}
    assert len(kept) == len(names)


def test_one_name_on_both_sides_need_not_be_the_same(tmp_path: Path) -> None:
    runner = FixtureClient((sys.executable, "-c", "print('[PASS] short')"), Limits(seconds=20.0))
    (told,) = runner.run(tmp_path / "x", ["a/long::name"])
    assert told.said is Said.PASS
    first, second = runner.run(tmp_path / "x", ["a", "b"])
    assert {first.kind, second.kind} == {"silent"}


def test_the_proof_is_looked_for_in_both_streams(tmp_path: Path) -> None:
    for stream in ("stdout", "stderr"):
        code = f"import sys; sys.{stream}.write('proof')"
        runner = FixtureClient((sys.executable, "-c", code), Limits(), re.compile("proof"))
        assert runner.run(tmp_path / "x", ["a"])[0].proven is True

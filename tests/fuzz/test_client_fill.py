"""A filled folder holds the same blocks in every encoding, the same bytes for the same seed."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.cli import app as cli_app
from pel_fuzz.cli import client_fill
from pel_fuzz.client.fixtures import fill as filling
from pel_fuzz.client.fixtures.fill import FillPlan, FillReport, fill
from pel_fuzz.client.fixtures.fixture_index import Filled, FilledTest, root_hash
from pel_fuzz.client.fixtures.fixtures import BLOCKCHAIN_TEST, ENGINE_TEST, TRIPLE, fixture_files
from pel_fuzz.exit_codes import ExitCode
from pel_fuzz.inputs import read_input
from pel_fuzz.workloads.blocks import GeneratedBlock
from pel_reference.blockchain_test import ChainTest, run_chain_test
from pel_reference.sealing import Unsealable
from pel_reference.sequential import run_block
from pel_reference.t8n_result import dump_transition
from pel_reference.triple import read_block_files

PLAN = FillPlan(seed=1, cases=4, small=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("filled")
    assert len(list(fill(made, PLAN))) == PLAN.cases
    return made


def read(path: Path) -> Any:
    return json.loads(path.read_text())


# What is written.


def test_every_test_is_right(folder: Path) -> None:
    count = 0
    for path in fixture_files(folder):
        if TRIPLE in path.relative_to(folder).parts[0]:
            continue
        given = read_input(path)
        assert isinstance(given, tuple)
        for test in given:
            assert isinstance(test, ChainTest)
            result = run_chain_test(test)
            assert result.passed, result.problems
            assert result.blocks_run == 1
            count += 1
    assert count > PLAN.cases


def test_triples_are_the_blocks_as_they_were_drawn(folder: Path) -> None:
    places = [place.parent for place in folder.glob("triples/*/*/state.json")]
    assert len(places) == PLAN.cases
    for place in places:
        index = int(place.name.split("_")[2])
        drawn = PLAN.block_at(index)
        state = read(place / "state.json")
        files = (place / f"{name}.json" for name in ("alloc", "env", "txs"))
        block = read_block_files(*files, state["fork"], state["chainid"], state["reward"])
        assert block == drawn.block
        assert read(place / "exp.json") == dump_transition(block, run_block(block))


def test_the_sealed_blocks_are_the_same_blocks(folder: Path) -> None:
    for path in folder.glob("blockchain_tests/*/*.json"):
        (test,) = read(path).values()
        drawn = PLAN.block_at(int(path.name.split("_")[2]))
        included = len(test["blocks"][0]["transactions"])
        assert abs(included - len(drawn.expected.receipts)) <= len(drawn.block.transactions) // 4
        assert test["network"] == drawn.block.fork
        twin = folder / "blockchain_tests_engine" / path.relative_to(folder / "blockchain_tests")
        if twin.is_file():
            (engine,) = read(twin).values()
            assert engine["lastblockhash"] == test["lastblockhash"]


def test_the_index_is_that_of_execution_spec_tests(folder: Path) -> None:
    index = read(folder / ".meta" / "index.json")
    assert index["test_count"] == len(index["test_cases"])
    for case in index["test_cases"]:
        (name,) = read(folder / case["json_path"])
        test = read(folder / case["json_path"])[name]
        assert case["id"] == name
        assert case["format"] == test["_info"]["fixture-format"]
        assert case["fixture_hash"] == test["_info"]["hash"]
        assert case["fork"] == test["network"]
    triples = read(folder / "triples" / "index.json")["cases"]
    assert all((folder / case["path"] / "exp.json").is_file() for case in triples)
    assert len(triples) == PLAN.cases


def test_the_root_hash_is_made_folder_by_folder() -> None:
    def test(place: str, digit: str) -> FilledTest:
        return FilledTest(place, BLOCKCHAIN_TEST, "Paris", place, "0x" + digit * 64)

    def own(*parts: bytes) -> bytes:
        return sha256(b"".join(parts)).digest()

    one, two, three = (bytes.fromhex(digit * 64) for digit in "123")
    expected = own(own(own(one), own(two)), own(own(three)))
    tests = [test("b/x.json", "3"), test("a/y.json", "2"), test("a/x.json", "1")]
    assert root_hash(tests) == "0x" + expected.hex()


# The same bytes.


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    list(fill(tmp_path, PLAN))
    assert contents(tmp_path) == contents(folder)


def test_shards_and_processes_change_nothing(folder: Path, tmp_path: Path) -> None:
    written: dict[str, bytes] = {}
    for shard in range(2):
        place = tmp_path / str(shard)
        plan = FillPlan(1, 4, small=True, shard=shard, of=2, jobs=2 - shard)
        list(fill(place, plan))
        found = contents(place)
        assert not {name for name in found if "index" not in name} & written.keys()
        written |= {name: data for name, data in found.items() if "index" not in name}
    assert written == {n: data for n, data in contents(folder).items() if "index" not in n}


def test_another_seed_gives_other_blocks(folder: Path, tmp_path: Path) -> None:
    list(fill(tmp_path, FillPlan(2, 1, formats=(TRIPLE,), small=True)))
    (other,) = tmp_path.glob("triples/*/*/txs.json")
    assert other.read_bytes() not in {each.read_bytes() for each in folder.glob("triples/*/*/txs*")}


def test_indices_begin_where_they_are_told_to() -> None:
    assert FillPlan(1, 5, start=3).indices() == [3, 4, 5, 6, 7]
    assert FillPlan(1, 5, start=3, shard=1, of=3).indices() == [4, 7]


# What is left out is counted.


def test_what_cannot_be_sealed_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(block: GeneratedBlock) -> None:
        raise Unsealable("no reason at all")

    monkeypatch.setattr(filling, "seal", refuse)
    report = FillReport(PLAN)
    for filled in fill(tmp_path, FillPlan(1, 3, small=True)):
        report.add(filled)
    assert report.tests == {TRIPLE: 3}
    assert report.skipped[f"{BLOCKCHAIN_TEST}: no reason at all"] == 3
    assert not (tmp_path / ".meta").exists()


def test_old_forks_have_no_engine_payloads(tmp_path: Path) -> None:
    (filled,) = fill(tmp_path, FillPlan(1, 1, "Berlin", (ENGINE_TEST,), small=True))
    assert filled.tests == ()
    assert filled.skipped == ((ENGINE_TEST, filling.BEFORE_ENGINE),)


def test_features_can_be_left_out(tmp_path: Path) -> None:
    plan = FillPlan(1, 3, "London", (TRIPLE,), small=True)
    features = frozenset.union(*(plan.block_at(index).features for index in range(3)))
    without = FillPlan(1, 3, "London", (TRIPLE,), small=True, leave_out=frozenset({"access-list"}))
    assert "access-list" in features
    assert all("access-list" not in without.block_at(index).features for index in range(3))


# The command.


def test_the_command_tells_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--seed", "1", "--cases", "2", "--small", "--fork", "cancun", "--jobs", "1"]
    place = tmp_path / "new" / "folder"
    assert cli_app.run(["client", "fill", str(place), *arguments, "--json"]) is ExitCode.AGREE
    told = json.loads(capsys.readouterr().out)
    assert told["tests"] == {TRIPLE: 2, BLOCKCHAIN_TEST: 2, ENGINE_TEST: 2}
    assert told["forks"] == {"Cancun": 2}
    other = tmp_path / "other"
    assert cli_app.run(["client", "fill", str(other), *arguments]) is ExitCode.AGREE
    assert f"root hash {told['root_hash']}" in capsys.readouterr().out
    assert contents(place) == contents(other)


def test_the_command_refuses_what_it_cannot_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("x")
    assert cli_app.run(["client", "fill", str(tmp_path)]) is ExitCode.BAD_INPUT
    assert "is not empty" in capsys.readouterr().err
    for option in (["--fork", "Osaka"], ["--format", "rlp"], ["--shard", "3/2"]):
        place = str(tmp_path / "new")
        assert cli_app.run(["client", "fill", place, *option]) is ExitCode.BAD_INPUT


def test_a_fork_without_payloads_and_nothing_else_wanted_is_inconclusive(tmp_path: Path) -> None:
    arguments = ["--seed", "1", "--cases", "1", "--small", "--fork", "Berlin", "--jobs", "1"]
    arguments += ["--format", ENGINE_TEST]
    code = cli_app.run(["client", "fill", str(tmp_path / "x"), *arguments])
    assert code is ExitCode.INCONCLUSIVE


def test_the_same_again_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--seed 5 --cases 3 --start 2 --fork Paris --shard 1/3 --small --leave-out create2"
    options += f" --format {BLOCKCHAIN_TEST}"
    told = []
    for name in ("first", "second"):
        arguments = ["client", "fill", str(tmp_path / name), *options.split(), "--jobs", "1"]
        assert cli_app.run(arguments) is ExitCode.AGREE
        told.append(capsys.readouterr().out.splitlines()[-1])
        options = told[-1].partition("again: ")[2]
    assert told[0] == told[1]


def test_an_interruption_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: Path, plan: FillPlan) -> Iterator[Filled]:
        yield next(fill(folder, plan))
        raise KeyboardInterrupt

    monkeypatch.setattr(client_fill, "fill", interrupted)
    arguments = ["--seed", "5", "--cases", "9", "--small", "--jobs", "1"]
    code = cli_app.run(["client", "fill", str(tmp_path / "x"), *arguments])
    assert code is ExitCode.INTERRUPTED
    assert "interrupted after 1 of 9 blocks" in capsys.readouterr().out

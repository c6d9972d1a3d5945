"""EthereumJS as a real client, through our runner in `examples/ethereumjs`: it agrees with the
reference on drawn blocks and consensus tests, its access lists with our write sets, and where it
differs the difference is found."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pel_fuzz.client.asking.server import TransitionServer
from pel_fuzz.client.asking.t8n import TransitionTool
from pel_fuzz.client.checking.blocks import client_block_at
from pel_fuzz.client.checking.examining import Examined, examine
from pel_fuzz.client.running.limits import Limits
from pel_fuzz.contracts.assembler import assemble
from pel_reference.block import Account, Block, Environment, Transaction
from pel_reference.blockchain_test import iter_blocks, read_chain_tests
from pel_reference.errors import UnsupportedFork
from pel_reference.sequential import run_block
from pel_reference.signing import address_of, sign
from pel_reference.triple import dump_triple

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "examples" / "ethereumjs"
FIXTURES = ROOT.parent / "shared" / "data" / "fixtures" / "blockchain_tests_multitx.json.gz"
FORKS = ("Frontier", "Byzantium", "Istanbul", "London", "Shanghai", "Cancun", "Prague")
LIMITS = Limits(seconds=240)


@pytest.fixture(scope="module")
def runner(ethereumjs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runner as it is in the tree, and EthereumJS as it is installed."""
    folder = tmp_path_factory.mktemp("ethereumjs") / "runner"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(ethereumjs_folder / "node_modules")
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        package = folder / "node_modules" / name / "package.json"
        if not package.is_file() or json.loads(package.read_text())["version"] != version:
            pytest.skip(f"{name} {version} is not there: make clients")
    return folder


def server(runner: Path, *options: str) -> TransitionServer:
    words = ["node", str(runner / "t8n.mjs"), "--socket", "{socket}", *options]
    return TransitionServer(" ".join(words), LIMITS)


@pytest.fixture(scope="module")
def ethereumjs(runner: Path) -> Iterator[TransitionServer]:
    with server(runner) as client:
        yield client


def asked(client: TransitionServer | TransitionTool, block: Block) -> Examined:
    return examine(client, block, run_block(block))


# ---- results --------------------------------------------------------------------------------


@pytest.mark.parametrize("fork", FORKS)
def test_drawn_blocks_agree(fork: str, ethereumjs: TransitionServer) -> None:
    for index in range(2):
        drawn = client_block_at(21, index, fork, least_transactions=8, least_gas=0)
        done = examine(ethereumjs, drawn.block, drawn.expected)
        assert done.is_compared, done
        assert done.difference is None, done.difference
        assert {"alloc", "state_root", "receipts_root", "rejected"} <= done.compared


@pytest.mark.skipif(not FIXTURES.exists(), reason="the shared data folder is not there")
def test_consensus_tests_agree(ethereumjs: TransitionServer) -> None:
    blocks = 0
    for test in read_chain_tests(FIXTURES)[::8]:
        try:
            for given in iter_blocks(test):
                done = asked(ethereumjs, given.block)
                assert done.is_compared and done.difference is None, (test.name, done)
                blocks += 1
        except UnsupportedFork:
            continue
    assert blocks >= 10


def test_the_command_line_agrees(runner: Path) -> None:
    drawn = client_block_at(22, 0, "Prague", least_transactions=8, least_gas=0)
    client = TransitionTool(f"node {runner / 't8n.mjs'}", LIMITS)
    done = examine(client, drawn.block, drawn.expected)
    assert done.is_compared and done.difference is None, done


def test_access_lists_agree_with_the_write_sets(runner: Path) -> None:
    with server(runner, "--state.eips", "7928") as client:
        for index in range(4):
            drawn = client_block_at(23, index, "Prague", least_transactions=8, least_gas=0)
            done = examine(client, drawn.block, drawn.expected)
            assert done.difference is None, done.difference
            assert "access_list" in done.compared


# ---- differences ----------------------------------------------------------------------------

CONTRACT, HEIR = b"\xc0" * 20, b"\xc1" * 20


def destroyed_and_funded() -> Block:
    """A contract reads and writes a slot and is destroyed; then somebody sends it something."""
    keys = [number.to_bytes(32, "big") for number in (1, 2)]
    code = assemble(f"0 SLOAD 1 ADD 0 SSTORE 0x{HEIR.hex()} SELFDESTRUCT").code
    alloc = {address_of(key): Account(balance=10**18) for key in keys}
    alloc[CONTRACT] = Account(nonce=1, balance=5, code=code, storage={0: 5, 9: 1})
    transactions = [
        sign(
            Transaction(0, 0, 100_000, CONTRACT, 1, b"", 0, 0, 0, chain_id=1, gas_price=10),
            key,
        )
        for key in keys
    ]
    env = Environment(HEIR, 30_000_000, 300, 1_700_000_000, 131_072, block_reward_wei=3)
    return Block("Byzantium", 1, env, alloc, tuple(transactions))


def test_caches_that_keep_the_storage_of_a_destroyed_account_are_found(
    runner: Path, ethereumjs: TransitionServer
) -> None:
    """A difference of EthereumJS 10.1.3, before Cancun and with the caches that its node uses:
    `deleteAccount` of its state manager leaves the storage trie that was opened for the account,
    and the next flush writes its root into the account that comes back. Where this test fails,
    the difference is gone, and what the example's README says of it with it."""
    block = destroyed_and_funded()
    assert asked(ethereumjs, block).difference is None
    with server(runner, "--state.caches", "yes") as client:
        found = asked(client, block).difference
    assert found is not None and found.kind == "accounts.storage", found
    assert f"0x{CONTRACT.hex()}" in found.field


def without_cleaning(wrong: Path) -> None:
    """A balance that returns to what it was stays in the list of changes."""
    main = wrong / "t8n.mjs"
    main.write_text(
        "import { BlockLevelAccessList } from '@ethereumjs/util'\n"
        "BlockLevelAccessList.prototype.cleanupNetZeroBalanceChanges = function () {\n"
        "  this.originalBalances.clear()\n}\n" + main.read_text()
    )


def test_an_access_list_with_a_change_that_is_none_is_found(runner: Path, tmp_path: Path) -> None:
    wrong = shutil.copytree(runner, tmp_path / "wrong", symlinks=True)
    without_cleaning(wrong)
    with server(wrong, "--state.eips", "7928") as client:
        kinds = set()
        for index in range(4):
            drawn = client_block_at(1, index, "Prague", least_transactions=8, least_gas=0)
            found = examine(client, drawn.block, drawn.expected).difference
            kinds.add(found and found.kind)
    assert kinds - {None} == {"access_list.balance"}


def test_a_client_with_the_rules_of_another_fork_is_found(runner: Path, tmp_path: Path) -> None:
    wrong = shutil.copytree(runner, tmp_path / "wrong", symlinks=True)
    chain = wrong / "chain.mjs"
    source = chain.read_text()
    assert source.count("['shanghai', 'shanghai']") == 1
    chain.write_text(source.replace("['shanghai', 'shanghai']", "['shanghai', 'cancun']"))
    with server(wrong) as client:
        drawn = client_block_at(24, 0, "Shanghai", least_transactions=8, least_gas=0)
        done = examine(client, drawn.block, drawn.expected)
    assert done.failure is not None or done.difference is not None


# ---- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "change", "options", "status", "said"),
    [
        ("env", {"currentGasLimit": None}, (), 10, "env.currentGasLimit is missing"),
        ("alloc", {"0x12": {}}, (), 10, "alloc.0x12"),
        (None, {}, ("--state.fork", "Atlantis"), 3, "unknown fork Atlantis"),
        (None, {}, ("--state.chainid", "x"), 3, "state: "),
        (None, {}, ("--nothing", "x"), 3, "the options are"),
        (None, {}, ("--input.txs", "not-there.json"), 11, "not-there.json"),
        (None, {}, ("--state.eips", "7928"), 3, "7928"),
    ],
)
def test_what_it_cannot_take_it_names(
    runner: Path,
    tmp_path: Path,
    name: str | None,
    change: dict[str, Any],
    options: tuple[str, ...],
    status: int,
    said: str,
) -> None:
    triple = dump_triple(destroyed_and_funded())
    if name is not None:
        triple[name] |= change
    for part in ("alloc", "env", "txs"):
        (tmp_path / f"{part}.json").write_text(json.dumps(triple[part]))
    inputs = [f"--input.{part}={tmp_path / part}.json" for part in ("alloc", "env", "txs")]
    words = ["--state.fork=Byzantium", "--output.basedir", str(tmp_path / "out"), *options]
    done = subprocess.run(
        ["node", str(runner / "t8n.mjs"), *inputs, *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
    assert not (tmp_path / "out").exists()

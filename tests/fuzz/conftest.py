"""A world to run contracts in, one py-evm state, to which every call is a whole transaction; where
real clients are; and clients of our own to be spoilt."""

import json
import os
import shlex
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.exceptions import InvalidInstruction, OutOfGas
from eth.vm.execution_context import ExecutionContext
from eth.vm.spoof import SpoofTransaction

from pel_fuzz.cli.app import run
from pel_fuzz.client.checking import campaign
from pel_fuzz.contracts import Contract, call_data, creation_code, storage_slot
from pel_fuzz.exit_codes import ExitCode
from pel_reference.forks import rules_for
from pel_reference.json_input import Field
from pel_reference.sequential import run_block
from pel_reference.t8n_result import dump_transition
from pel_reference.triple import parse_block

GAS_PRICE_WEI = 10
ENOUGH_WEI = 10**30


@dataclass(frozen=True)
class Outcome:
    """What became of one transaction; `created` is the address of what it deployed."""

    error: Exception | None
    output: bytes
    gas_used: int
    logs: tuple[tuple[bytes, tuple[int, ...], bytes], ...]
    created: bytes

    @property
    def success(self) -> bool:
        """Whether it was neither reverted nor out of gas nor broken off otherwise."""
        return self.error is None

    @property
    def number(self) -> int:
        """The output as one number."""
        return int.from_bytes(self.output, "big")

    @property
    def invalid_instruction(self) -> bool:
        """Whether it met an instruction that the fork does not have."""
        return isinstance(self.error, InvalidInstruction)

    @property
    def out_of_gas(self) -> bool:
        """Whether its gas did not suffice."""
        return isinstance(self.error, OutOfGas)


class World:
    """A state of one fork, and what is needed to change it by transactions."""

    COINBASE = b"\xcb" * 20
    CHAIN_ID = 1337
    NUMBER = 300
    TIMESTAMP = 1_700_000_000
    BASE_FEE_WEI = 7
    GAS_PRICE_WEI = GAS_PRICE_WEI
    BLOCK_HASHES = tuple(bytes([distance % 256]) * 32 for distance in range(1, 257))
    """Hashes of the ancestors, the parent's first."""

    def __init__(self, fork: str) -> None:
        self._rules = rules_for(fork)
        self._header: dict[str, Any] = {
            "coinbase": self.COINBASE,
            "timestamp": self.TIMESTAMP,
            "block_number": self.NUMBER,
            "difficulty": 0,
            "mix_hash": bytes(32),
            "gas_limit": 30_000_000,
            "prev_hashes": self.BLOCK_HASHES,
            "chain_id": self.CHAIN_ID,
        }
        if self._rules.fee_market:
            self._header["base_fee_per_gas"] = self.BASE_FEE_WEI
        if self._rules.blobs:
            self._header["excess_blob_gas"] = 0
        context = ExecutionContext(**self._header)
        self.state: Any = self._rules.vm.get_state_class()(AtomicDB(), context, BLANK_ROOT_HASH)
        self._placed = 0

    @staticmethod
    def someone(number: int = 1) -> bytes:
        """The address of a person; persons are told apart by a small number."""
        return bytes([0xA0, *bytes(17), *number.to_bytes(2, "big")])

    def wait(self, seconds: int) -> None:
        """Let time pass; it stays the same block in every other respect."""
        self._header["timestamp"] += seconds
        self.state.execution_context = ExecutionContext(**self._header)

    def place(
        self,
        code: bytes | Contract,
        storage: Mapping[int, int] | None = None,
        balance: int = 0,
        address: bytes | None = None,
    ) -> bytes:
        """Put an account with code into the state; its address is given back."""
        if address is None:
            self._placed += 1
            address = bytes([0xC0, *bytes(17), *self._placed.to_bytes(2, "big")])
        self.state.set_code(address, code.runtime if isinstance(code, Contract) else code)
        self.state.set_nonce(address, 1)
        self.state.set_balance(address, balance)
        for slot, value in (storage or {}).items():
            self.state.set_storage(address, slot, value)
        self.state.lock_changes()
        return address

    def send(
        self,
        to: bytes,
        data: bytes = b"",
        sender: bytes | None = None,
        value: int = 0,
        gas: int = 2_000_000,
        blobs: tuple[bytes, ...] = (),
    ) -> Outcome:
        """Run one transaction (an empty `to` creates) of a sender who can always pay."""
        sender = self.someone() if sender is None else sender
        self.state.set_balance(sender, self.state.get_balance(sender) + ENOUGH_WEI)
        unsigned = self._rules.vm.get_transaction_builder().create_unsigned_transaction(
            nonce=self.state.get_nonce(sender),
            gas_price=GAS_PRICE_WEI,
            gas=gas,
            to=to,
            value=value,
            data=data,
        )
        of_type_3 = {"type_id": 3, "max_fee_per_blob_gas": 1, "blob_versioned_hashes": blobs}
        overrides = of_type_3 if blobs else {}
        computation = self.state.apply_transaction(
            SpoofTransaction(unsigned, from_=sender, **overrides)
        )
        self.state.lock_changes()
        return Outcome(
            error=computation.error if computation.is_error else None,
            output=bytes(computation.output),
            gas_used=computation.get_gas_used(),
            logs=computation.get_log_entries(),
            created=computation.msg.storage_address if computation.msg.is_create else b"",
        )

    def deploy(
        self, contract: Contract, *arguments: int | bytes, sender: bytes | None = None
    ) -> bytes:
        """Deploy a contract by a transaction; its address is given back."""
        code = creation_code(contract, *arguments)
        outcome = self.send(b"", code, sender, gas=5_000_000)
        assert outcome.success, outcome.error
        assert self.code(outcome.created) == contract.runtime
        return outcome.created

    def deployed(
        self, contract: Contract, *arguments: int | bytes, sender: bytes | None = None
    ) -> "Instance":
        """A contract that was deployed by a transaction."""
        return Instance(self, contract, self.deploy(contract, *arguments, sender=sender))

    def placed(
        self, contract: Contract, storage: Mapping[int, int] | None = None, balance: int = 0
    ) -> "Instance":
        """A contract that was put into the state."""
        return Instance(self, contract, self.place(contract, storage, balance))

    def storage_root(self, address: bytes) -> bytes:
        """The root over all of an account's storage."""
        self.state.make_state_root()
        return bytes(self.state._account_db._get_account(address).storage_root)

    def slot(self, address: bytes, slot: int) -> int:
        """The value of a storage slot."""
        return int(self.state.get_storage(address, slot))

    def balance(self, address: bytes) -> int:
        """The balance of an account in wei."""
        return int(self.state.get_balance(address))

    def code(self, address: bytes) -> bytes:
        """The code of an account."""
        return bytes(self.state.get_code(address))

    def exists(self, address: bytes) -> bool:
        """Whether an account exists, empty or not."""
        return bool(self.state.account_exists(address))


@dataclass(frozen=True)
class Instance:
    """A contract at an address of a world."""

    world: World
    contract: Contract
    address: bytes

    def call(
        self,
        function: str,
        *arguments: int | bytes,
        sender: bytes | None = None,
        value: int = 0,
        gas: int = 2_000_000,
    ) -> Outcome:
        """Call a function by a transaction."""
        data = call_data(self.contract, function, *arguments)
        return self.world.send(self.address, data, sender, value, gas)

    def ask(self, function: str, *arguments: int | bytes) -> int:
        """Call a function that has to succeed, for the number it gives."""
        outcome = self.call(function, *arguments)
        assert outcome.success, outcome.error
        return outcome.number

    def stored(self, variable: str, *keys: int | bytes) -> int:
        """What the storage of a Vyper contract holds for a variable."""
        return self.world.slot(self.address, storage_slot(self.contract, variable, *keys))

    def slot(self, slot: int) -> int:
        """What a storage slot holds."""
        return self.world.slot(self.address, slot)


@pytest.fixture
def world() -> type[World]:
    """The class of worlds: called with a fork's name, it makes one."""
    return World


# ---- real clients ---------------------------------------------------------------------------

CLIENTS = Path(__file__).resolve().parents[2] / ".clients"
"""Where `make clients` puts them."""


@pytest.fixture(scope="session")
def evm_command() -> str:
    """The path of geth's `evm`."""
    path = Path(os.environ.get("PEL_EVM") or CLIENTS / "geth" / "evm")
    if not path.is_file():
        pytest.skip("geth's evm is not there: make clients, or set PEL_EVM")
    return str(path)


@pytest.fixture(scope="session")
def ethereumjs_folder() -> Path:
    """The folder of the EthereumJS runner, with what it needs installed."""
    path = Path(os.environ.get("PEL_ETHEREUMJS") or CLIENTS / "ethereumjs")
    if shutil.which("node") is None or not (path / "node_modules").is_dir():
        pytest.skip("EthereumJS is not there: make clients, or set PEL_ETHEREUMJS")
    return path


@pytest.fixture(scope="session")
def eels_command() -> str:
    """The path of EELS's command, which is installed beside the Python that runs the tests."""
    path = Path(sys.executable).parent / "ethereum-spec-evm"
    if not path.is_file():
        pytest.skip("EELS is not installed: the extra pel[eels]")
    return str(path)


# ---- tools of our own: right, or spoilt ---------------------------------------------------


@cache
def right_answer(asked: bytes) -> bytes:
    """What the reference says; the tests ask for the same blocks again and again."""
    block = parse_block(Field("asked", "", json.loads(asked)))
    return json.dumps(dump_transition(block, run_block(block))).encode()


drawn_at = cache(campaign.client_block_at)


class _Oracle(BaseHTTPRequestHandler):
    """Answers as a transition tool's server does, by the reference."""

    def do_POST(self) -> None:
        body = right_answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="session")
def oracle() -> Iterator[str]:
    """The address of a server that is right."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Oracle)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


TOOL = """
import json, os, signal, sys, time, urllib.request
ORACLE = {oracle!r}
given = dict(word[2:].split("=", 1) for word in sys.argv[1:])
def load(name):
    with open(given["input." + name]) as file:
        return json.load(file)
state = {{"fork": given["state.fork"], "chainid": int(given["state.chainid"]),
         "reward": int(given["state.reward"])}}
parts = {{name: load(name) for name in ("alloc", "env", "txs")}}
def right():
    asked = json.dumps({{"state": state, "input": parts}}).encode()
    with urllib.request.urlopen(urllib.request.Request(ORACLE, asked)) as answer:
        return json.load(answer)
base = given["output.basedir"]
result_path = os.path.join(base, given["output.result"])
post_path = os.path.join(base, given["output.alloc"])
def write(said):
    with open(result_path, "w") as file:
        json.dump(said["result"], file)
    with open(post_path, "w") as file:
        json.dump(said["alloc"], file)
{body}
"""


@pytest.fixture
def tool(tmp_path: Path, oracle: str) -> Callable[[str], str]:
    """Makes a command of a transition tool that does what it is told to."""

    def make(body: str) -> str:
        path = tmp_path / "tool.py"
        text = TOOL.format(oracle=oracle, body=textwrap.dedent(body))
        path.write_text(text, encoding="utf-8")
        return shlex.join([sys.executable, "-I", "-S", str(path)])

    return make


class Check:
    """Runs `pel client check`, and keeps what it said."""

    def __init__(self, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.out, self._capsys = out, capsys
        self.told, self.code = "", ExitCode.INTERNAL

    def __call__(self, *options: str, cases: int = 2) -> dict[str, Any]:
        """The report, of a campaign over small Shanghai blocks unless told otherwise."""
        words = ["client", "check", "--json", "--jobs", "1", "--seed", "5", "--small"]
        words += ["--max-cases", str(cases), "--out", str(self.out), "--shrink-time", "0"]
        words += [] if "--fork" in options else ["--fork", "Shanghai"]
        return json.loads(self.run(*words, *options))

    def run(self, *words: str) -> str:
        """A command's standard output."""
        self.code = run(list(words))
        captured = self._capsys.readouterr()
        self.told = captured.err
        return captured.out

    def kept(self) -> list[Path]:
        """The case files."""
        return sorted(self.out.glob("*.json"))


@pytest.fixture
def check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Check:
    """The command, with findings in a folder of its own. Blocks that are drawn in this process are
    drawn once."""
    monkeypatch.setattr(campaign, "client_block_at", drawn_at)
    return Check(tmp_path / "findings", capsys)

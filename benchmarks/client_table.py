"""Real clients through the kit, by each way in that they have: the table of docs/clients.md.

    make clients
    python benchmarks/client_table.py --cases 100 --seed 1

The commands are those of a client team; what is not installed is left out, and said. Exits with 1
where a client differs, after the table.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / ".clients"
BIN = Path(sys.executable).parent
HEAD = ("client", "version", "way in", "blocks", "transactions", "forks", "no result", "differ")
INCONCLUSIVE = 3


@dataclass(frozen=True, slots=True)
class Way:
    """One way into one client: `command` as the table shows it, `flags` as they are run; where it
    is given files, their `encoding`."""

    client: str
    version: str
    command: str
    kind: str
    flags: tuple[str, ...]
    encoding: str = "blockchain_test"


def geth() -> Iterator[Way]:
    """Geth's `evm`: sequential in both."""
    evm = Path(os.environ.get("PEL_EVM") or CLIENTS / "geth" / "evm")
    if not evm.is_file():
        return
    told = subprocess.run([evm, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+\.\d+\.\d+", told)
    name = found[0] if found else told.strip()
    yield Way("geth", name, "evm t8n", "check", ("--command", f"{evm} t8n"))
    flags = ("--command", f"{evm} blocktest {{file}}")
    yield Way("geth", name, "evm blocktest {file}", "consume", flags)


def ethereumjs() -> Iterator[Way]:
    """EthereumJS, by the runner of `examples/ethereumjs`."""
    folder = Path(os.environ.get("PEL_ETHEREUMJS") or CLIENTS / "ethereumjs")
    package = folder / "node_modules" / "@ethereumjs" / "vm" / "package.json"
    if shutil.which("node") is None or not package.is_file():
        return
    name = json.loads(package.read_text())["version"]
    tool, run = "node t8n.mjs", f"node {folder / 't8n.mjs'}"
    yield Way("EthereumJS", name, tool, "check", ("--command", run))
    served = "--socket {socket}"
    yield Way("EthereumJS", name, f"{tool} {served}", "check", ("--server", f"{run} {served}"))
    tool, run = "node blocktest.mjs {file}", f"node {folder / 'blocktest.mjs'} {{file}}"
    yield Way("EthereumJS", name, tool, "consume", ("--command", run))
    engine = "blockchain_test_engine"
    yield Way("EthereumJS", name, tool, "consume", ("--command", run), engine)


def eels() -> Iterator[Way]:
    """The execution specifications, as a command and as a server."""
    tool = BIN / "ethereum-spec-evm"
    if not tool.is_file():
        return
    name, told = version("ethereum-execution"), "ethereum-spec-evm"
    yield Way("EELS", name, f"{told} t8n", "check", ("--command", f"{tool} t8n"))
    served = "daemon --uds {socket}"
    yield Way("EELS", name, f"{told} {served}", "check", ("--server", f"{tool} {served}"))


def pel(*arguments: str) -> dict[str, Any]:
    """What a command prints as JSON."""
    done = subprocess.run([BIN / "pel", *arguments, "--json"], capture_output=True, check=False)
    if done.returncode not in (0, 1, INCONCLUSIVE):
        raise SystemExit(f"pel {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def asked(way: Way, seed: int, cases: int, folder: Path) -> list[str]:
    """A row of the table for a client that is asked block by block."""
    drawn = ("--seed", str(seed), "--max-cases", str(cases), "--out", str(folder / "found"))
    told = pel("client", "check", *way.flags, *drawn, "--keep-going", "--shrink-time", "0")
    unanswered = sum(told["failures"].values()) + sum(told["left_out"].values())
    counts = told["compared"], told["transactions"], len(told["forks"]), unanswered
    return [f"{each:,}" for each in (*counts, len(told["differences"]))]


def consumed(way: Way, seed: int, cases: int, folder: Path) -> list[str]:
    """A row of the table for a client that runs the filled tests."""
    tests = folder / "tests"
    form = ("--format", way.encoding)
    drawn = ("--seed", str(seed), "--cases", str(cases), *form)
    filled = pel("client", "fill", str(tests), *drawn)
    told = pel("client", "consume", *way.flags, *form, str(tests), "--out", str(folder / "found"))
    counts = told["tests"]["pass"] + told["tests"]["fail"], filled["transactions"]
    unanswered = sum(told["without_verdict"].values())
    numbers = *counts, len(filled["forks"]), unanswered, len(told["differences"])
    return [f"{each:,}" for each in numbers]


def main() -> int:
    """Ask every client that is there, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    differ = False
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    for way in (*eels(), *ethereumjs(), *geth()):
        with tempfile.TemporaryDirectory() as folder:
            row = asked if way.kind == "check" else consumed
            numbers = row(way, given.seed, given.cases, Path(folder))
        form = " (engine payloads)" if way.encoding == "blockchain_test_engine" else ""
        cells = way.client, way.version, f"`{way.kind}`: `{way.command}`{form}", *numbers
        print("| " + " | ".join(cells) + " |", flush=True)
        differ = differ or numbers[-1] != "0"
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())

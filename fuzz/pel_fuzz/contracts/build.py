"""Compiles the Vyper contracts: `python -m pel_fuzz.contracts.build` writes `artefacts.json` again.

Each contract is compiled twice: for London, the oldest target of this compiler, whose code runs
on every fork that has its instructions; and for Cancun, which keeps its reentrancy lock in
transient storage and has the newer instructions.
"""

import json
from pathlib import Path
from typing import Any

import vyper
from vyper.compiler import compile_code
from vyper.compiler.settings import OptimizationLevel, Settings

from pel_fuzz.contracts.opcodes import OPCODES, newest_fork

ARTEFACTS = Path(__file__).with_name("artefacts.json")
EVM_VERSIONS = ("london", "cancun")

_OUTPUTS = ["abi", "asm", "bytecode", "bytecode_runtime", "layout", "method_identifiers", "userdoc"]
_NOT_INSTRUCTIONS = {"DATA"}


def compile_all() -> dict[str, Any]:
    """What `artefacts.json` has to hold, given the sources beside this file."""
    sources = sorted(Path(__file__).parent.glob("*.vy"))
    return {
        "compiler": f"vyper {vyper.__version__}",
        "contracts": {source.stem: _contract(source) for source in sources},
    }


def text_of(artefacts: dict[str, Any]) -> str:
    """The artefacts as the file holds them."""
    return json.dumps(artefacts, indent=1) + "\n"


def first_fork_of(assembly: str) -> str:
    """The first fork that has every instruction of a listing by the compiler.

    Raises: `ValueError` for a word that looks like an instruction and is not known.
    """
    mnemonics = {word for word in assembly.split() if word.isalnum() and word[0].isupper()}
    unknown = mnemonics - OPCODES.keys() - _NOT_INSTRUCTIONS
    if unknown:
        raise ValueError(f"unknown instructions {sorted(unknown)}")
    return newest_fork(OPCODES[word].first_fork for word in mnemonics - _NOT_INSTRUCTIONS)


def _contract(source: Path) -> dict[str, Any]:
    compiled = {version: _compile(source, version) for version in EVM_VERSIONS}
    oldest = compiled[EVM_VERSIONS[0]]
    return {
        "summary": oldest["userdoc"]["notice"],
        "abi": oldest["abi"],
        "selectors": oldest["method_identifiers"],
        "builds": {version: _build(output) for version, output in compiled.items()},
    }


def _compile(source: Path, evm_version: str) -> dict[str, Any]:
    output: dict[str, Any] = compile_code(
        source.read_text(),
        source.name,
        settings=Settings(evm_version=evm_version, optimize=OptimizationLevel.GAS),
        output_formats=_OUTPUTS,
        no_bytecode_metadata=True,
    )
    return output


def _build(output: dict[str, Any]) -> dict[str, Any]:
    variables = output["layout"].get("storage_layout", {})
    return {
        "first_fork": first_fork_of(output["asm"]),
        "layout": {name: variable["slot"] for name, variable in variables.items()},
        "creation": output["bytecode"],
        "runtime": output["bytecode_runtime"],
    }


if __name__ == "__main__":
    ARTEFACTS.write_text(text_of(compile_all()))
    print(f"{ARTEFACTS.name}: {len(EVM_VERSIONS)} builds of each contract")

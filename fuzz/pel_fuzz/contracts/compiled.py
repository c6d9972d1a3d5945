"""The Vyper contracts, as they were compiled (`build` compiles them again)."""

import json
from collections.abc import Iterator, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any

from pel_fuzz.contracts.contract import Contract, Function, functions_by_name

OLDEST_TARGET = "london"
"""The compiler's target whose builds have the plain names; others append theirs."""


def _load() -> Iterator[Contract]:
    text = resources.files(__package__).joinpath("artefacts.json").read_text("utf-8")
    for name, contract in json.loads(text)["contracts"].items():
        for target, build in contract["builds"].items():
            suffix = "" if target == OLDEST_TARGET else f"_{target}"
            yield _contract(name + suffix, contract, build)


def _contract(name: str, contract: dict[str, Any], build: dict[str, Any]) -> Contract:
    entries = contract["abi"]
    constructors = (entry for entry in entries if entry["type"] == "constructor")
    return Contract(
        name=name,
        summary=contract["summary"],
        runtime=bytes.fromhex(build["runtime"].removeprefix("0x")),
        creation=bytes.fromhex(build["creation"].removeprefix("0x")),
        first_fork=build["first_fork"],
        functions=functions_by_name(
            *(
                _function(entry, contract["selectors"])
                for entry in entries
                if entry["type"] == "function"
            )
        ),
        constructor=_types(next(constructors, {"inputs": []})),
        layout=MappingProxyType(build["layout"]),
    )


def _function(entry: dict[str, Any], selectors: dict[str, str]) -> Function:
    inputs = _types(entry)
    selector = int(selectors[f"{entry['name']}({','.join(inputs)})"], 16).to_bytes(4, "big")
    mutability = entry["stateMutability"]
    return Function(
        name=entry["name"],
        selector=selector,
        inputs=inputs,
        payable=mutability == "payable",
        view=mutability in {"view", "pure"},
    )


def _types(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(argument["type"] for argument in entry["inputs"])


COMPILED: Mapping[str, Contract] = MappingProxyType({build.name: build for build in _load()})
"""Every build of every contract: the plain name is the oldest, `…_cancun` the one for Cancun."""

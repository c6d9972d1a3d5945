"""A machine as it runs: its actions, what they are called with, and where each can come at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pel_proof.machine import Model, block_stm, parameters
from pel_spec.kernel import Disabled, State
from pel_spec.scheduler.blockstm import BlockStm
from pel_spec.scheduler.state import At


@dataclass(frozen=True, slots=True)
class Text:
    """A machine of workers. `domains` are those of the actions' parameters after the worker;
    `standing` are the actions that can come where a worker stands, in the order of the text."""

    machine: type[State]
    actions: Mapping[str, Callable[..., Any]]
    domains: Mapping[str, tuple[str, ...]]
    standing: Mapping[At, tuple[str, ...]]

    @classmethod
    def of(cls, machine: type[State], model: Model) -> "Text":
        """The text of a native class, of which `model` is the lifted one."""
        actions = {name: getattr(machine, name) for name in model.actions}
        domains = {name: tuple(parameters(a).values())[1:] for name, a in model.actions.items()}
        standing = {
            at: tuple(n for n in actions if _may_come(actions[n], at, 1 + len(domains[n])))
            for at in At
        }
        return cls(machine, actions, domains, standing)


@cache
def block_stm_text() -> Text:
    """Block-STM as it stands."""
    return Text.of(BlockStm, block_stm())


class _Asked(Exception):
    """An action wants to know more than where its worker stands."""


class _Nowhere:
    """A state of which nothing is known but where the workers stand."""

    def __init__(self, at: At) -> None:
        self.__dict__["pc"] = _Everywhere(at)

    def __getattr__(self, name: str) -> Any:
        raise _Asked

    def __setattr__(self, name: str, value: Any) -> None:
        raise _Asked


class _Everywhere:
    def __init__(self, at: At) -> None:
        self.at = at

    def __getitem__(self, worker: int) -> At:
        return self.at

    def __setitem__(self, worker: int, at: At) -> None:
        raise _Asked


def _may_come(action: Callable[..., Any], at: At, arity: int) -> bool:
    """Does the guard not say no, knowing nothing else?"""
    try:
        action(_Nowhere(at), *range(arity))
    except Disabled:
        return False
    except _Asked:
        return True
    return True

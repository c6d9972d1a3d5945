"""The *case* format: one JSON object that replays a run exactly. Its page: docs/formats/case.md.

A case file can come from anywhere, so it is read as strictly as any other input.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

from pel_fuzz.cases import Case
from pel_fuzz.formats.faults_json import faults_to_json, with_faults
from pel_fuzz.formats.header import Format, FormatError, check_header, header
from pel_fuzz.interleavings import (
    PARAMETERS,
    Faulted,
    Interleaving,
    Search,
    Seeded,
    SeededName,
    Switches,
    Walk,
)
from pel_fuzz.tiny import TinyBlock, from_json, to_json
from pel_fuzz.verdict import Difference
from pel_parallel.choices import schedule_of
from pel_proof.runs.interpreter import Turn
from pel_reference.errors import InputError
from pel_reference.json_input import Field, read_json_file
from pel_reference.triple import dump_triple, parse_block

MAX_WORKERS = 64
"""More workers than any case needs; each costs a thread or a stack."""

MAX_STEPS = 100_000
"""More steps than any turn needs."""

MAX_BOUND, MAX_SEARCHED_RUNS = 100, 100_000
"""More preemptions, and more runs, than any search will ever come to."""

LANES: Final = ("controlled", "threads", "text", "external", "python", "client")
"""What ran the case."""

CHOICES: Final = ("switches", "walk", "exhaustive", *PARAMETERS)
"""What says who goes next in a run: one of these."""

MAX_RUN_STEPS = 1_000_000_000
"""More steps than any run takes."""

FIELDS: Final = (
    *("pel", "version", "kind", "fork", "workers", "choices", "lane", "checks", "faults"),
    *("origin", "seed_bug", "expected", "block", "client"),
)
CLIENT_FIELDS: Final = ("way", "command", "errors")
EXPECTED_FIELDS: Final = (*(field.name for field in fields(Difference)), "signature")
"""What a file holds, what it says of a client, and of the difference that was seen."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case, and beside it what the file says of where it came from.

    `signature` is that of the difference that the case showed, `seed_bug` the bug that was planted
    when it did; both `None` where there was none.
    """

    case: Case
    signature: str | None
    seed_bug: str | None


def case_to_json(
    case: Case,
    expected: Difference | None,
    seed_bug: str | None,
    client: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A case as its file holds it; `expected` is the difference that it showed, `client` what there
    is to know of a client that ran it."""
    subject = case.subject
    block = to_json(subject) if isinstance(subject, TinyBlock) else dump_triple(subject)
    origin = None
    if case.origin is not None:
        seed, index = case.origin
        origin = {"seed": seed, "index": index, "fork": case.drawn_fork}
    return (
        header(Format.CASE)
        | {
            "kind": case.kind,
            "fork": case.fork,
            "workers": case.workers,
            "choices": _all_choices_to_json(case),
            "lane": _lane_name(case),
            "checks": {"reference": case.reference, "eels": case.eels, "twin": case.twin},
            "faults": faults_to_json(case.interleavings),
            "origin": origin,
            "seed_bug": seed_bug,
            "expected": None if expected is None else _without_words(expected),
            "block": block,
        }
        | ({} if client is None else {"client": dict(client)})
    )


def _without_words(difference: Difference) -> dict[str, Any]:
    """What a case keeps of its difference: a replay explains it once more, and better."""
    told = difference.to_json()
    del told["words"]
    return told


def write_case(
    path: Path,
    case: Case,
    expected: Difference | None,
    seed_bug: str | None,
    client: Mapping[str, Any] | None = None,
) -> None:
    """Write a case file, whole or not at all."""
    text = json.dumps(case_to_json(case, expected, seed_bug, client), indent=1)
    draft = path.with_suffix(".tmp")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)


def read_case(path: str | Path) -> CaseFile:
    """The case in a file.

    Raises: `InputError`, naming file and field.
    """
    document = read_json_file(path)
    try:
        check_header(document.value, Format.CASE)
    except FormatError as error:
        raise InputError(document.source, error.field, error.problem) from None
    return _parse(document)


def _parse(document: Field) -> CaseFile:
    _only(document, FIELDS)
    kind, lane = _kind(document.require("kind")), document.require("lane")
    checks, choices = document.require("checks"), document.require("choices")
    _only(checks, ("reference", "eels", "twin"))
    expected, seed_bug = document.get("expected"), document.get("seed_bug")
    in_text = _lane(lane) == "text"
    if in_text and kind != "tiny":
        raise lane.error("the text runs tiny blocks only")
    external = _lane(lane) == "external"
    if external and kind != "tiny":
        raise lane.error("executors driven from outside run tiny blocks only")
    if _lane(lane) == "client" and kind != "evm":
        raise lane.error("clients run EVM blocks only, by this interface")
    workers, faults = _workers(document.require("workers")), document.require("faults")
    interleavings = () if in_text else tuple(_choices(e, workers) for e in choices.elements())
    if _lane(lane) != "controlled" and any(isinstance(each, Search) for each in interleavings):
        raise lane.error("only controlled runs are searched")
    if _lane(lane) in ("external", "client") and any(True for _ in faults.elements()):
        raise faults.error("none strikes in an executor that is not ours")
    _check_client(document.get("client"), _lane(lane))
    case = Case(
        subject=_subject(kind, document.require("block")),
        kind=kind,
        workers=workers,
        interleavings=with_faults(interleavings, faults, workers),
        twin=checks.require("twin").boolean(),
        reference=checks.require("reference").boolean(),
        eels=checks.require("eels").boolean(),
        threads=_lane(lane) == "threads",
        external=external,
        python=_lane(lane) == "python",
        client=_lane(lane) == "client",
        turns=_turns(choices) if in_text else None,
        origin=_origin(document.get("origin")),
        drawn_fork=_drawn_fork(document.get("origin")),
    )
    return CaseFile(
        case,
        _only(expected, EXPECTED_FIELDS).require("signature").text() if expected else None,
        seed_bug.text() if seed_bug else None,
    )


def _only(field: Field, known: Iterable[str]) -> Field:
    """The object, if it has no other fields than those: one that is misspelt would be passed over,
    and the run be another than the one that was wanted."""
    for name, _ in field.entries():
        if name not in known:
            place = field.key_as_field(name) if name.isprintable() else field
            raise place.error("unknown field")
    return field


def _check_client(field: Field | None, lane: str) -> None:
    if field is None:
        return
    if lane != "client":
        raise field.error("only a case of lane client has one")
    _only(field, CLIENT_FIELDS)


def _kind(field: Field) -> Literal["tiny", "evm"]:
    kind = field.text()
    if kind == "tiny":
        return "tiny"
    if kind == "evm":
        return "evm"
    raise field.error("must be tiny or evm")


def _subject(kind: str, field: Field) -> Any:
    if kind == "evm":
        return parse_block(field)
    try:
        return from_json(field.value)
    except FormatError as error:
        path = f"{field.path}.{error.field}" if error.field else field.path
        raise InputError(field.source, path, error.problem) from None


def _workers(field: Field) -> int:
    workers = field.number(32)
    if not 1 <= workers <= MAX_WORKERS:
        raise field.error(f"must be from 1 to {MAX_WORKERS}")
    return workers


def _lane(field: Field) -> str:
    lane = field.text()
    if lane not in LANES:
        raise field.error(f"must be {', '.join(LANES[:-1])} or {LANES[-1]}")
    return lane


def _lane_name(case: Case) -> str:
    if case.turns is not None:
        return "text"
    for name in ("external", "python", "client"):
        if getattr(case, name):
            return name
    return "threads" if case.threads else "controlled"


def _drawn_fork(field: Field | None) -> str | None:
    fork = field.get("fork") if field is not None else None
    return fork.text() if fork is not None else None


def _origin(field: Field | None) -> tuple[int, int] | None:
    if field is None:
        return None
    _only(field, ("seed", "index", "fork"))
    return field.require("seed").number(64), field.require("index").number(64)


def _all_choices_to_json(case: Case) -> list[Any]:
    if case.turns is None:
        return [_choices_to_json(each) for each in case.interleavings]
    return [{"turns": [list(turn if turn.pick else turn[:2]) for turn in case.turns]}]


def _turns(field: Field) -> tuple[Turn, ...]:
    """The turns of a run by the text: it is one run."""
    choices = list(field.elements())
    if len(choices) != 1:
        raise field.error("the text runs once")
    turns = choices[0].require("turns")
    _only(choices[0], ("turns",))
    return tuple(map(_turn, turns.elements()))


def _turn(field: Field) -> Turn:
    numbers = [each.number(32) for each in field.elements()]
    match numbers:
        case [worker, steps] if steps <= MAX_STEPS:
            return Turn(worker, steps)
        case [worker, steps, pick] if steps <= MAX_STEPS:
            return Turn(worker, steps, pick)
        case _:
            raise field.error(f"must be [worker, steps to {MAX_STEPS}] or [worker, steps, pick]")


def _choices_to_json(interleaving: Interleaving) -> dict[str, Any]:
    if isinstance(interleaving, Faulted):
        interleaving = interleaving.inner
    if isinstance(interleaving, Walk):
        return {"walk": [interleaving.seed, interleaving.switch_probability]}
    if isinstance(interleaving, Seeded):
        numbers = [interleaving.seed, interleaving.parameter, interleaving.steps]
        return {interleaving.strategy: numbers}
    if isinstance(interleaving, Search):
        return {"exhaustive": [interleaving.bound, interleaving.most_runs]}
    assert isinstance(interleaving, Switches), "the run of a search is kept as its switches"
    switches = {"switches": [list(each) for each in interleaving.switches]}
    return switches if interleaving.strict else switches | {"lenient": True}


def _choices(field: Field, workers: int) -> Interleaving:
    given = [name for name in CHOICES if field.get(name) is not None]
    if len(given) != 1:
        raise field.error(f"must have one of {', '.join(CHOICES)}")
    _only(field, (*CHOICES, "lenient"))
    if given != ["switches"] and field.get("lenient") is not None:
        raise field.error("only switches are lenient")
    walk, search = field.get("walk"), field.get("exhaustive")
    if search is not None:
        return _search(search)
    if walk is None:
        for name in PARAMETERS:
            seeded = field.get(name)
            if seeded is not None:
                return _seeded(name, seeded)
        return _switches(field, workers)
    match walk.value:
        case [int(seed), int() | float() as probability] if seed >= 0 and 0 <= probability <= 1:
            return Walk(seed, float(probability))
        case _:
            raise walk.error("must be [seed, switch probability from 0 to 1]")


def _switches(field: Field, workers: int) -> Switches:
    switches, lenient = field.require("switches"), field.get("lenient")
    try:
        schedule = schedule_of(each.value for each in switches.elements())
    except (ValueError, TypeError) as error:
        raise switches.error(str(error)) from None
    for switch in switches.elements():
        _check_switch(switch, workers)
    return Switches(schedule, strict=lenient is None or not lenient.boolean())


def _check_switch(field: Field, workers: int) -> None:
    """Raises: `InputError` for numbers that no run has, whatever the code and the block: they are
    no drift. What is lenient may leave out switches, but not have any that mean nothing."""
    worker, own, target = field.elements()
    for each, low in ((worker, -1), (target, 0)):
        if not low <= each.value < workers:
            raise each.error(f"there are {workers} workers, from 0")
    if worker.value == -1 and own.value != 0:
        raise own.error("must be 0, at the beginning of a run")
    own.number(32)


def _search(field: Field) -> Search:
    match field.value:
        case [int(bound), int(most_runs)] if (
            0 <= bound <= MAX_BOUND and 1 <= most_runs <= MAX_SEARCHED_RUNS
        ):
            return Search(bound, most_runs)
        case _:
            raise field.error(
                f"must be [preemptions to {MAX_BOUND}, runs from 1 to {MAX_SEARCHED_RUNS}]"
            )


def _seeded(name: SeededName, field: Field) -> Seeded:
    low, high, whole = PARAMETERS[name]
    match field.value:
        case [int(seed), int() | float() as parameter, int(steps)] if (
            seed >= 0
            and low <= parameter <= high
            and 0 <= steps <= MAX_RUN_STEPS
            and (type(parameter) is int or not whole)
        ):
            return Seeded(name, seed, parameter, steps)
        case _:
            kind = "a whole number" if whole else "a number"
            raise field.error(
                f"must be [seed, {kind} from {low} to {high}, steps to {MAX_RUN_STEPS}]"
            )

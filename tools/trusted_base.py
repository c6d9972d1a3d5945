"""The table of what has to be trusted, for spec/README.md: `python tools/trusted_base.py`."""

from pathlib import Path

SPEC = Path(__file__).parent.parent / "spec"

PARTS = {
    "the meaning": (
        "vocabulary transition fold history serializability anomalies sync",
        "what a right execution is",
        "pel_spec",
    ),
    "the machines": (
        "kernel optimistic scheduler/state scheduler/tasks scheduler/execution"
        " scheduler/validation scheduler/refinement scheduler/ghosts scheduler/blockstm",
        "what the scheduler does, and what it stands for",
        "pel_spec",
    ),
    "the lifter": (
        "lift symbolic machine",
        "that the formulas say what the text says",
        "pel_proof",
    ),
    "the obligations": (
        "obligations refine serial",
        "that these suffice for what is claimed",
        "pel_proof",
    ),
    "the schemas": ("schemas", "induction and recursion over positions", "pel_proof"),
    "progress": (
        "progress/statements progress/ledger progress/steps progress/prefix progress/termination",
        "only for what is said of progress: the two counting principles among it",
        "pel_proof",
    ),
    "the counting": (
        "solve suite tally",
        "that all of it is asked, and that only `unsat` is counted as proved",
        "pel_proof",
    ),
    "the second solver's use": (
        "export second_solver",
        "only where cvc5 is asked",
        "pel_proof",
    ),
}


def lines(package: str, name: str) -> int:
    """How long a file is."""
    return len((SPEC / package / f"{name}.py").read_text(encoding="utf-8").splitlines())


def table() -> str:
    """The table, in Markdown."""
    rows = ["| what | files | lines | for what |", "|---|---|---|---|"]
    for what, (names, why, package) in PARTS.items():
        files = names.split()
        total = sum(lines(package, name) for name in files)
        rows.append(f"| {what} | {', '.join(f'`{f}`' for f in files)} | {total:,} | {why} |")
    solver = "Z3; or cvc5, which discharges the same obligations on its own, with proofs"
    rows.append(f"| the solver | {solver} | | that `unsat` is true |")
    laws = "`tools/house/machines.py`, `tools/house/machine_laws.py`"
    rows.append(f"| the laws | {laws} | | that an action touches one shared object, and no ghost |")
    rows.append("| Python | CPython | | that it reads the text as we do |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())

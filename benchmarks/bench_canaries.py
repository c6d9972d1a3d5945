"""How many cases `pel fuzz` needs, with its defaults, to find each seeded bug: a Markdown table.

python benchmarks/bench_canaries.py --seeds 1 2 3 > docs/canaries.md
"""

import argparse
from concurrent.futures import ProcessPoolExecutor

from pel_fuzz.campaign import Plan, default_jobs, run_campaign
from pel_fuzz.canaries.registry import BUGS

WITHIN_CASES = 500

HEAD = (
    "# Seeded bugs\n\n"
    "Each oracle must be able to fail. These bugs are planted by `pel fuzz --seed-bug NAME`, which "
    "the generators do not know of; the table says in which case, counted from 1, a campaign with "
    "the default settings (without EELS) finds each. It is made by "
    "`benchmarks/bench_canaries.py`.\n\n"
    "*zoo* is the class of published bugs that it stands for. *text*: the scheduler's text has the "
    "same bug under the same name (`pel prove --seed-bug NAME`); the five bugs of the text that "
    "concern the rolling commit are not here, as the executor has none. *benign*: a change of the "
    "text that does no harm, and is proved right like the text; its steps are objected to all the "
    "same. *alike*: the sequential fold is wrong in the same way, so that only the reference tier "
    "can see it. *root*: the state root stays right.\n"
)


def first_case(job: tuple[str, int]) -> tuple[int, str] | None:
    """The number of the first case that finds the bug, from 1, and the signature of the finding."""
    name, seed = job
    plan = Plan(seed=seed, max_cases=WITHIN_CASES, eels=False, seed_bug=name)
    for count, report in enumerate(run_campaign(plan), start=1):
        for finding in report.examination.findings:
            return count, finding.difference.signature
    return None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    seeds = parser.parse_args().seeds
    jobs = [(name, seed) for name in BUGS for seed in seeds]
    with ProcessPoolExecutor(default_jobs()) as pool:
        found = dict(zip(jobs, pool.map(first_case, jobs), strict=True))
    print(HEAD)
    columns = [
        "bug",
        "zoo",
        "story",
        "text",
        "alike",
        "root",
        *(f"seed {s}" for s in seeds),
        "found as",
    ]
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for name, bug in BUGS.items():
        hits = [found[name, seed] for seed in seeds]
        cases = " | ".join("missed" if hit is None else str(hit[0]) for hit in hits)
        kinds = ", ".join(sorted({hit[1] for hit in hits if hit is not None}))
        marks = " | ".join("yes" if mark else "" for mark in (bug.fold_too, bug.root_right))
        text = "benign" if bug.benign is not None else "yes" if bug.in_text else ""
        print(f"| `{name}` | {bug.zoo} | {bug.story} | {text} | {marks} | {cases} | {kinds} |")


if __name__ == "__main__":
    main()

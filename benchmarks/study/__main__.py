"""Run the study, and write its report.

python -m benchmarks.study run [--quick]   compute what the results lack; from nothing, some hours on two cores
python -m benchmarks.study report          write docs/evidence from them

What is computed is kept block by block, in benchmarks/study/results, so a run can be cut short and goes on where it
was. CatBoost takes part where it is installed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from examples.datasets import DatasetUnavailable

from .records import OtherBudget
from .report import write
from .runner import Plan, run

HERE = Path(__file__).parent
QUICK = Plan(
    splits={"open": 2, "large": 1, "multiclass": 1, "covertype": 0},
    untuned_splits={"open": 2, "large": 1, "multiclass": 1, "covertype": 0},
    draws={"open": 2, "large": 2, "multiclass": 2},
    rounds={"open": 50, "large": 50, "multiclass": 20},
    sets=("yeast4", "abalone9-18", "bank", "shuttle"),
)


def main(argv: list[str] | None = None) -> int:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "report"])
    parser.add_argument("--quick", action="store_true", help="four sets, two configurations, few rounds: a few minutes")
    parser.add_argument("--results", type=Path, help="table of the results, .csv or .csv.gz")
    parser.add_argument("--output", type=Path, help="folder of the report")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="these data sets alone")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trainings at a time, of one thread each")
    args = parser.parse_args(argv)
    name = "quick.csv.gz" if args.quick else "full.csv.gz"
    results = args.results or (HERE.parent / "output" / name if args.quick else HERE / "results" / name)
    output = args.output or (HERE.parent / "output" if args.quick else HERE.parents[1] / "docs" / "evidence")
    plan = QUICK if args.quick else Plan(sets=args.sets)
    try:
        if args.command == "run":
            run(plan, results, args.jobs)
            print(f"Results: {results}")
        else:
            print(f"Report: {write(results, output)}")
    except (DatasetUnavailable, FileNotFoundError, OtherBudget) as error:
        print(f"study: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Run the study, and write its report.

python -m study run [--quick]   compute what benchmarks/study/results lacks; from nothing, about an hour on one core
python -m study report          write docs/evidence.md from it

Both with PYTHONPATH=examples:benchmarks, which `make study` sets. CatBoost takes part where it is installed, and so do
the objectives of bokbokbok, imlightgbm and Imbalance-XGBoost (pip install --no-deps bokbokbok imlightgbm
imbalance-xgboost) where all three are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from datasets import DatasetUnavailable

from .report import write
from .runner import GROUPS, OtherBudget, Plan, run

HERE = Path(__file__).parent
QUICK = Plan(
    splits=dict.fromkeys(GROUPS, 1),
    draws=dict.fromkeys(GROUPS, 2),
    caps={"large": 2_000, "multiclass": 2_000},
    sets=("yeast4", "abalone9-18", "bank", "shuttle"),
)


def main(argv: list[str] | None = None) -> int:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "report"])
    parser.add_argument("--quick", action="store_true", help="four sets, one split, two configurations: 3 minutes")
    parser.add_argument("--results", type=Path, help="table of the results, .csv or .csv.gz")
    parser.add_argument("--output", type=Path, help="folder of the report")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="these data sets alone")
    parser.add_argument("--splits", type=int, metavar="N", help="splits of each set")
    parser.add_argument("--draws", type=int, metavar="N", help="configurations that each method may try")
    parser.add_argument("--cap", type=int, metavar="N", help="most training rows while tuning on a large set")
    args = parser.parse_args(argv)
    name = "quick.csv.gz" if args.quick else "full.csv.gz"
    results = args.results or (HERE.parent / "output" / name if args.quick else HERE / "results" / name)
    output = args.output or (HERE.parent / "output" if args.quick else HERE.parents[1] / "docs")
    try:
        if args.command == "run":
            run(_plan(args), results)
            print(f"Results: {results}")
        else:
            print(f"Report: {write(results, output)}")
    except (DatasetUnavailable, FileNotFoundError, OtherBudget) as error:
        print(f"study: {error}", file=sys.stderr)
        return 2
    return 0


def _plan(args: argparse.Namespace) -> Plan:
    plan = QUICK if args.quick else Plan()
    return Plan(
        splits=dict.fromkeys(GROUPS, args.splits) if args.splits else plan.splits,
        draws=dict.fromkeys(GROUPS, args.draws) if args.draws else plan.draws,
        caps=dict.fromkeys(plan.caps, args.cap) if args.cap else plan.caps,
        sets=args.sets or plan.sets,
    )


if __name__ == "__main__":
    sys.exit(main())

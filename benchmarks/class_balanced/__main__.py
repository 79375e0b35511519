"""Run the comparison with gbdtCBL, and write its report.

python -m benchmarks.class_balanced run [--quick]      compute what the results lack; about 40 minutes on one core
python -m benchmarks.class_balanced report [--quick]   write docs/evidence/class_balanced.md from them

`run` needs the authors' package: pip install --no-deps gbdtCBL==0.2.0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from examples.datasets import DatasetUnavailable

from ..study.records import OtherBudget
from .data import describe
from .derivatives import check_all
from .methods import gbdtcbl_installed
from .report import write
from .runner import Plan, run

HERE = Path(__file__).parent
QUICK = Plan(n_splits=2, draws=1, sets=("ecoli", "libras_move", "glass", "hayes-roth"))


def main(argv: list[str] | None = None) -> int:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["run", "report"])
    parser.add_argument("--quick", action="store_true", help="four sets, two splits, one configuration: a minute")
    parser.add_argument("--results", type=Path, help="table of the results, .csv or .csv.gz")
    parser.add_argument("--output", type=Path, help="folder of the report")
    args = parser.parse_args(argv)
    folder = HERE.parent / "output" / "class_balanced" if args.quick else HERE / "results"
    results = args.results or folder / "results.csv.gz"
    output = args.output or (folder if args.quick else HERE.parents[1] / "docs" / "evidence")
    if args.command == "run" and not gbdtcbl_installed():
        print("class_balanced: the losses compared are missing: pip install --no-deps gbdtCBL==0.2.0", file=sys.stderr)
        return 2
    try:
        if args.command == "run":
            results.parent.mkdir(parents=True, exist_ok=True)
            for kind, checks in check_all().items():
                checks.to_csv(results.with_name(f"{kind}.csv"), index=False, float_format="%.4g")
            describe().to_csv(results.with_name("sets.csv"), float_format="%.4g")
            run(QUICK if args.quick else Plan(), results)
            print(f"Results: {results}")
        else:
            print(f"Report: {write(results, output)}")
    except (DatasetUnavailable, FileNotFoundError, OtherBudget) as error:
        print(f"class_balanced: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Run the suite, print its table, and write benchmark.json and benchmark.png.

    python -m benchmarks            everything, some 25 minutes on two cores
    python -m benchmarks --quick    a look, under three minutes

Everything is measured against a peer in the same run, in turn (A B A B ...), after a warm-up. "median" is the ratio of
the medians, "minimum" that of the fastest, "quartiles" are those of the ratios pair by pair. On a busy machine trust
the minimum.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from . import footprint, growth, kernel, peers, search, training
from .chart import draw
from .report import HEADER, Figure, Skipped, environment, line, markdown, read, write
from .scales import SCALES, Scale

PARTS: dict[str, Callable[[Scale], Iterator[Figure | Skipped]]] = {
    "kernel": kernel.figures,
    "training": training.figures,
    "peers": peers.figures,
    "search": search.figures,
    "footprint": footprint.figures,
    "growth": growth.figures,
}


def run(names: list[str], scale: Scale) -> Iterator[Figure | Skipped]:
    """Measure the parts, and print each figure as it comes."""
    printed = ""
    for name in names:
        for found in PARTS[name](scale):
            if found.part != printed:
                printed = found.part
                print(f"\n{line((printed, *HEADER[1:]))}", flush=True)
            skipped = isinstance(found, Skipped)
            print(f"{found.name}: SKIPPED, {found.reason}" if skipped else line(found.cells), flush=True)
            yield found


def main(arguments: list[str] | None = None) -> int:
    """Parse the arguments, measure, write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_const", dest="scale", const="quick", default="full")
    parser.add_argument("--scale", choices=SCALES, help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="parts to measure")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output", help="folder to write to")
    parser.add_argument("--markdown", type=Path, metavar="JSON", help="print the tables of an earlier run instead")
    options = parser.parse_args(arguments)
    if options.markdown:
        print(markdown(options.markdown))
        return 0
    print(", ".join(f"{name} {version}" for name, version in environment().items()))
    found = list(run(options.only, SCALES[options.scale]))
    path = options.output / "benchmark.json"
    write(path, found, options.scale)
    draw(read(path), path.with_suffix(".png"))
    print(f"\nWritten: {path} and {path.with_suffix('.png').name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

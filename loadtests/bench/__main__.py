"""`python -m loadtests.bench [NAME …] [--quick]`: every benchmark, or those named."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from rich.console import Console

RESULTS = Path(__file__).parents[2] / "artefacts" / "bench"
NAMES = ("proxy", "search", "hot_trip", "services", "events")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description="Measure against peers.")
    parser.add_argument("benchmarks", nargs="*", metavar="|".join(NAMES), help="which; all if none is named")
    parser.add_argument("--quick", action="store_true", help="shorter, and less certain")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    args = parser.parse_args()
    unknown = set(args.benchmarks) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    console = Console(width=None if sys.stdout.isatty() else 120)
    for name in args.benchmarks or NAMES:
        benchmark = importlib.import_module(f"loadtests.bench.{name}")  # only what is asked for
        benchmark.run(console, args.results, quick=args.quick)
    console.print(f"Results are in {args.results}.")


if __name__ == "__main__":
    main()

"""`python -m loadtests.report result.json [--out DIR]`: make the report of a comparison again."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from loadtests.report import terminal, write_report
from loadtests.report.result import UnknownFormatError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.report", description=__doc__)
    parser.add_argument("result", type=Path, help="result.json of a comparison")
    parser.add_argument("--out", type=Path, help="folder of the report; by default that of result.json")
    chosen = parser.parse_args()
    folder = chosen.out or chosen.result.parent
    try:
        verdicts = write_report(json.loads(chosen.result.read_text(encoding="utf-8")), folder)
    except (OSError, json.JSONDecodeError, UnknownFormatError) as refused:
        print(refused, file=sys.stderr)
        return 1
    Console().print(terminal.view(verdicts))
    print(folder / "report.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())

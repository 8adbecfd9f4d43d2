"""`python -m loadtests`: both sides under the same load, and a verdict for each route."""

from __future__ import annotations

import sys

from loadtests.compare.comparison import main

if __name__ == "__main__":
    sys.exit(main())

"""Parses a feed in a process of its own: `python -m services.company.gtfs.worker OPTIONS < feed.zip`.

A large feed takes seconds of computing, which no event loop should spend, and memory, which the system takes
back at once. What comes in is a stranger's, so the process bounds itself. It writes only lines of JSON to its
standard output: `["progress", done, total]`, then either `["errors", {…}]`, or the feed and `["end"]`.
"""

from __future__ import annotations

import sys

import orjson

from services.company.gtfs.feed import Options
from services.company.gtfs.parse import parse_feed
from services.company.gtfs.problems import FeedError

MOST_MEMORY = 2 * 1024**3
MOST_CPU_S = 300


def main() -> int:
    """Parse what comes in; the exit code is 0 also for a feed that is no good."""
    _bound_myself()
    options = Options(**orjson.loads(sys.argv[1]))
    data = sys.stdin.buffer.read()
    try:
        feed = parse_feed(data, options, lambda done, total: _say(["progress", done, total]))
    except FeedError as error:
        _say(["errors", error.errors])
        return 0
    except MemoryError:
        _say(["errors", {"feed.zip:0:": ["The feed needs more memory than there is for it."]}])
        return 0
    for line in feed.lines():
        _say(line)
    _say(["end"])
    return 0


def _say(line: list[object]) -> None:
    sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    if line[0] == "progress":
        sys.stdout.buffer.flush()


def _bound_myself() -> None:
    try:
        import resource  # ruff: ignore[import-outside-top-level] — there is none on Windows
    except ImportError:
        return
    for limit, most in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CPU, MOST_CPU_S)):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    sys.exit(main())

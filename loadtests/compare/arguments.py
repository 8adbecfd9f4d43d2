"""The command line of `python -m loadtests`, and the size of the comparison that comes of it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from deploy.local.folders import CHECKOUT
from loadtests.compare.sizes import FULL, PHASES, QUICK, SMOKE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loadtests.compare.sizes import Curves, Phase, Size

ARTEFACTS: Final = CHECKOUT / "artefacts" / "loadtest"
_ASKED_FOR: Final = tuple(phase for phase in PHASES if phase != "idle")


@dataclass(frozen=True, slots=True)
class Arguments:
    """`host` is None for a stack of its own; `phases` begins with idle, which the others are read by."""

    size: Size
    phases: tuple[Phase, ...]
    host: str | None
    side: str | None
    steer: str | None
    seed: int
    out: Path
    as_json: bool


def parse(argv: Sequence[str] | None = None) -> Arguments:
    """Exits with 2 and a sentence for what cannot be meant."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.host is not None and given.scale is not None:
        parser.error("--scale fills a stack of its own; fill the one at --host with: ./banyan demo --scale N")
    if given.steer is not None and given.host is None:
        parser.error("--steer is for a stack at --host; one of its own is steered without it")
    only = given.only or _ASKED_FOR
    return Arguments(
        size=_size(given),
        phases=("idle", *(phase for phase in _ASKED_FOR if phase in only)),
        host=given.host,
        side=given.side,
        steer=given.steer,
        seed=given.seed,
        out=given.out,
        as_json=given.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests",
        description="The same load on legacy, on the services, and on split reads; then a verdict.",
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_const", dest="size", const=QUICK, help="in 3 minutes, not 33")
    sizes.add_argument(
        "--smoke", action="store_const", dest="size", const=SMOKE, help="in a minute: does it run?"
    )
    parser.set_defaults(size=FULL)
    parser.add_argument("--host", type=_host, metavar="URL",
                        help="a site that runs and has demo data; without it, one of its own")  # fmt: skip
    parser.add_argument("--steer", metavar="COMMAND",
                        help="with {side} in it: puts every route at --host on a side")  # fmt: skip
    parser.add_argument("--rounds", type=_count, metavar="N", help="of everything, on each side")
    parser.add_argument("--users", type=_count, metavar="N", help="people of the mix at one time")
    parser.add_argument("--seconds", type=_seconds, metavar="S", help="that a round of the mix counts")
    parser.add_argument("--scale", type=_count, metavar="N", help="of the demo data in a stack of its own")
    parser.add_argument("--seed", type=int, default=1, metavar="K", help="the same people want the same")
    parser.add_argument("--only", type=_phases, metavar=",".join(_ASKED_FOR), help="some of the phases")
    parser.add_argument("--side", choices=("legacy", "service"), help="measure one side alone")
    parser.add_argument("--out", type=Path, default=ARTEFACTS, metavar="DIR",
                        help="a folder for each run goes in here (artefacts/loadtest)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="say on stdout, for programs, what came of it")
    return parser


def _size(given: argparse.Namespace) -> Size:
    size: Size = given.size
    rounds = given.rounds
    mix = replace(
        size.mix,
        rounds=rounds or size.mix.rounds,
        users=given.users or size.mix.users,
        seconds=given.seconds or size.mix.seconds,
    )
    return replace(
        size,
        scale=given.scale or size.scale,
        cast=max(size.cast, mix.users),
        mix=mix,
        routes=replace(size.routes, rounds=rounds or size.routes.rounds),
        journey=replace(size.journey, rounds=rounds or size.journey.rounds),
        curves=_curves(size.curves, rounds),
    )


def _curves(curves: Curves, rounds: int | None) -> Curves:
    if rounds is None:
        return curves
    return replace(curves, rounds=rounds, sales=rounds, full_rounds=rounds if curves.full_rounds else 0)


def _host(text: str) -> str:
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        is_address = False
    if not is_address or parts.path not in {"", "/"} or parts.query:
        raise argparse.ArgumentTypeError(f"{text} is no address of a site, as in http://localhost:8080")
    return f"{parts.scheme}://{parts.netloc}"


def _phases(text: str) -> tuple[str, ...]:
    named = tuple(filter(None, text.split(",")))
    unknown = [name for name in named if name not in _ASKED_FOR]
    if unknown or not named:
        raise argparse.ArgumentTypeError(
            f"there is no phase {', '.join(unknown) or 'named'}; there are {', '.join(_ASKED_FOR)}"
        )
    return named


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 100000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds from 1 to 3600")
    return seconds

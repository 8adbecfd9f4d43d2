"""What a comparison has measured, as it lies in result.json.

What was not measured is empty here, never guessed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FORMAT: Final = 1
LEGACY: Final = "legacy"
SERVICE: Final = "service"
SPLIT: Final = "split"
# The stack's names for its parts, and compose's, become what they are.
_NAMES: Final = {"gateway": "nginx", "redis": "valkey"}


class UnknownFormatError(ValueError):
    """The file was written by another version of the comparison."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which one side answered; CPU in seconds by process, of the whole window."""

    side: str
    round: int
    seconds: float
    cpu_s: Mapping[str, float]


W = TypeVar("W", bound=Window)


@dataclass(frozen=True, slots=True)
class RouteWindow(Window):
    """One route at a fixed rate; or as people asked for it in the mix, where it has no CPU of its own.

    A generator that was late to send has its own lateness in the latencies.
    """

    route: str
    rate_per_s: float | None
    asked: int
    failed: int
    failures: Sequence[Mapping[str, Any]]
    ms: Sequence[float]
    is_generator_late: bool = False


@dataclass(frozen=True, slots=True)
class JourneyWindow(Window):
    journeys: int
    failed: int
    failures: Sequence[Mapping[str, Any]]
    ms: Sequence[float]
    is_generator_late: bool = False


@dataclass(frozen=True, slots=True)
class MixWindow(Window):
    """People at work; `routes` hold no CPU of their own."""

    requests: int
    failed: int
    failures: Sequence[Mapping[str, Any]]
    routes: Mapping[str, RouteWindow]
    per_second: Sequence[float]
    booked: int
    journey_ms: Sequence[float]
    rss_mib: Mapping[str, float]
    statements: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Step(Window):
    """A rate of a curve; latencies count from the instant at which a request was meant to be sent."""

    what: str
    rate_per_s: float
    achieved_per_s: float
    asked: int
    failed: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    is_past_knee: bool
    is_generator_late: bool = False
    generator_cores: float = 0.0


@dataclass(frozen=True, slots=True)
class Full(Window):
    """So many asked at once, each again as soon as it had its answer."""

    what: str
    connections: int
    answers_per_s: float
    asked: int
    failed: int
    failures: Sequence[Mapping[str, Any]]
    generator_cores: float


@dataclass(frozen=True, slots=True)
class Result:
    """`lacks` and `troubles` are what the comparison says of itself; `not_asked` are reasons by route."""

    at: str
    commit: str
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    idle_cpu_ms_per_s: Mapping[str, float]
    idle_rss_mib: Mapping[str, float]
    mix: tuple[MixWindow, ...] = ()
    routes: tuple[RouteWindow, ...] = ()
    journey: tuple[JourneyWindow, ...] = ()
    curves: tuple[Step, ...] = ()
    saturation: tuple[Full, ...] = ()
    is_complete: bool = True
    troubles: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    not_asked: Mapping[str, str] = field(default_factory=dict)
    reads: frozenset[str] = frozenset()

    def is_read(self, route: str) -> bool:
        """As the strangler's table declares it; by its method where the result does not say."""
        return route in self.reads if self.reads else route.startswith(("GET ", "HEAD "))

    def of_route(self, route: str, *, from_mix: bool) -> dict[str, list[RouteWindow]]:
        """By side, its windows in the order of rounds."""
        if from_mix:
            return by_side(mix.routes[route] for mix in self.mix if route in mix.routes)
        return by_side(window for window in self.routes if window.route == route)


def by_side(windows: Iterable[W]) -> dict[str, list[W]]:
    found: dict[str, list[W]] = defaultdict(list)
    for window in windows:
        found[window.side].append(window)
    return {side: sorted(those, key=lambda window: window.round) for side, those in found.items()}


def read(raw: Mapping[str, Any]) -> Result:
    """Take result.json's content apart. Raises UnknownFormatError for what another version wrote."""
    if raw.get("format", FORMAT) != FORMAT:
        raise UnknownFormatError(f"result.json has format {raw['format']}; this report reads {FORMAT}")
    idle = raw.get("idle") or {}
    return Result(
        at=str(raw.get("at") or ""),
        commit=str(raw.get("commit") or ""),
        machine=raw.get("machine") or {},
        settings=raw.get("settings") or {},
        idle_cpu_ms_per_s=_by_process(idle.get("cpu_ms_per_s")),
        idle_rss_mib=_by_process(idle.get("rss_mib")),
        mix=tuple(_mix(each) for each in raw.get("mix") or ()),
        routes=tuple(_route(each) for each in raw.get("routes") or ()),
        journey=tuple(_journey(each) for each in raw.get("journey") or ()),
        curves=tuple(_step(each) for each in raw.get("curves") or ()),
        saturation=tuple(_full(each) for each in raw.get("saturation") or ()),
        is_complete=bool(raw.get("is_complete", True)),
        troubles=tuple(map(str, raw.get("troubles") or ())),
        lacks=tuple(map(str, raw.get("lacks") or ())),
        not_asked=raw.get("not_asked") or {},
        reads=frozenset(map(str, raw.get("reads") or ())),
    )


def _window(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "side": str(raw["side"]),
        "round": int(raw.get("round") or 0),
        "seconds": float(raw.get("seconds") or 0.0),
        "cpu_s": _by_process(raw.get("cpu_s")),
    }


def _by_process(amounts: Mapping[str, float] | None) -> dict[str, float]:
    return {_NAMES.get(name, name): amount for name, amount in (amounts or {}).items()}


def _counts(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "failed": int(raw.get("failed") or 0),
        "failures": raw.get("failures") or (),
        "ms": raw.get("ms") or (),
    }


def _asked(raw: Mapping[str, Any]) -> int:
    """Where it is not said, failed answers have latencies like all others."""
    asked = raw.get("asked")
    return len(raw.get("ms") or ()) if asked is None else int(asked)


def _route(raw: Mapping[str, Any]) -> RouteWindow:
    return RouteWindow(
        **_window(raw),
        **_counts(raw),
        route=str(raw["route"]),
        rate_per_s=raw.get("rate_per_s"),
        asked=_asked(raw),
        is_generator_late=bool(raw.get("is_generator_late")),
    )


def _journey(raw: Mapping[str, Any]) -> JourneyWindow:
    return JourneyWindow(
        **_window(raw),
        **_counts(raw),
        journeys=int(raw.get("journeys") or 0),
        is_generator_late=bool(raw.get("is_generator_late")),
    )


def _mix(raw: Mapping[str, Any]) -> MixWindow:
    window = _window(raw)
    journeys = raw.get("journeys") or {}
    routes = {
        route: _route({**window, "cpu_s": {}, "route": route, **measured})
        for route, measured in (raw.get("routes") or {}).items()
    }
    return MixWindow(
        **window,
        requests=int(raw.get("requests") or 0),
        failed=int(raw.get("failed") or 0),
        failures=raw.get("failures") or (),
        routes=routes,
        per_second=raw.get("per_second") or (),
        booked=int(journeys.get("booked") or 0),
        journey_ms=journeys.get("ms") or (),
        rss_mib=_by_process(raw.get("rss_mib")),
        statements=raw.get("statements") or (),
    )


def _step(raw: Mapping[str, Any]) -> Step:
    def number(key: str) -> float:
        return float(raw.get(key) or 0.0)

    return Step(
        **_window(raw),
        what=str(raw["what"]),
        rate_per_s=number("rate_per_s"),
        achieved_per_s=number("achieved_per_s"),
        asked=int(number("asked")),
        failed=int(number("failed")),
        p50_ms=number("p50_ms"),
        p90_ms=number("p90_ms"),
        p99_ms=number("p99_ms"),
        p999_ms=number("p999_ms"),
        max_ms=number("max_ms"),
        is_past_knee=bool(raw.get("is_past_knee")),
        is_generator_late=bool(raw.get("is_generator_late")),
        generator_cores=number("generator_cpu_us_per_request") * number("rate_per_s") / 1e6,
    )


def _full(raw: Mapping[str, Any]) -> Full:
    return Full(
        **_window(raw),
        what=str(raw["what"]),
        connections=int(raw.get("connections") or 0),
        answers_per_s=float(raw.get("answers_per_s") or 0.0),
        asked=int(raw.get("asked") or 0),
        failed=int(raw.get("failed") or 0),
        failures=raw.get("failures") or (),
        generator_cores=float(raw.get("generator_cores") or 0.0),
    )

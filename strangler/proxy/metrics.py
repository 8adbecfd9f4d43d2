"""What a worker counts, in plain lists in memory: no lock, no await, no label lookup on the way of a request.

A worker keeps one `Cell` for each route and side. Its latency histogram is logarithmic with eight steps to
each power of two, so any percentile is right within 12 %. Cells of several workers add up; `render` writes
the sum for Prometheus.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

STATUS_CLASSES: Final = 6
_STEPS: Final = 8
_HIGHEST_POWER: Final = 33  # 2^33 microseconds are two hours and a half
_LONGEST: Final = 1 << _HIGHEST_POWER
BUCKETS: Final = (_HIGHEST_POWER - 2) * _STEPS


class Cell:
    """The counts of one route on one side."""

    __slots__ = ("buckets", "by_class", "errors", "in_flight", "retries", "route", "seconds", "side")

    def __init__(self, route: str, side: str) -> None:
        self.route = route
        self.side = side
        self.in_flight = 0
        self.retries = 0
        self.seconds = 0.0
        self.by_class = [0] * STATUS_CLASSES
        self.buckets = [0] * BUCKETS
        self.errors: dict[str, int] = {}
        """By slug: what the proxy answered itself, or how an answer broke off."""

    def observe(self, status: int, seconds: float) -> None:
        self.by_class[status // 100] += 1
        self.seconds += seconds
        micros = int(seconds * 1e6)
        if 8 <= micros < _LONGEST:  # `bucket`, without a call
            power = micros.bit_length()
            self.buckets[((power - 3) << 3) + ((micros >> (power - 4)) & 7)] += 1
        else:
            self.buckets[bucket(micros)] += 1

    def error(self, slug: str) -> None:
        self.errors[slug] = self.errors.get(slug, 0) + 1

    def report(self) -> dict[str, Any]:
        """As JSON for the supervisor; buckets that are empty are left out."""
        return {
            "route": self.route,
            "side": self.side,
            "in_flight": self.in_flight,
            "retries": self.retries,
            "seconds": self.seconds,
            "by_class": self.by_class,
            "buckets": {str(at): count for at, count in enumerate(self.buckets) if count},
            "errors": self.errors,
        }

    def add(self, report: Mapping[str, Any]) -> None:
        """Add what a worker reported."""
        self.in_flight += report["in_flight"]
        self.retries += report["retries"]
        self.seconds += report["seconds"]
        for at, count in enumerate(report["by_class"]):
            self.by_class[at] += count
        for text, count in report["buckets"].items():
            self.buckets[int(text)] += count
        for slug, count in report["errors"].items():
            self.errors[slug] = self.errors.get(slug, 0) + count


def bucket(micros: int) -> int:
    """Where a duration is counted: the first eight one by one, then eight steps to each power of two."""
    if micros < _STEPS:
        return max(micros, 0)
    power = micros.bit_length()
    return min(((power - 3) << 3) + ((micros >> (power - 4)) & 7), BUCKETS - 1)


def merge(reports: Iterable[Iterable[Mapping[str, Any]]]) -> list[Cell]:
    """The sum of what several workers reported."""
    cells: dict[tuple[str, str], Cell] = {}
    for report in reports:
        for entry in report:
            key = entry["route"], entry["side"]
            cell = cells.get(key)
            if cell is None:
                cell = cells[key] = Cell(*key)
            cell.add(entry)
    return list(cells.values())


_BOUNDARIES: Final = [
    bucket(1 << power) for power in range(8, 26)
]  # a quarter of a millisecond to 33.5 s, each a bucket's edge


def render(cells: list[Cell], gauges: Mapping[str, tuple[str, Mapping[str, float]]]) -> str:
    """Prometheus' text format. `gauges`: name → (help, {rendered labels: value})."""
    out: list[str] = []
    _family(
        out, "strangler_requests_total", "counter", "Requests answered, by route, side and class of status."
    )
    for cell in cells:
        labels = _labels(cell)
        out += [
            f'strangler_requests_total{{{labels},status="{at}xx"}} {count}'
            for at, count in enumerate(cell.by_class)
            if count
        ]
    _family(out, "strangler_request_seconds", "histogram", "From a request's head to the end of its answer.")
    for cell in cells:
        labels = _labels(cell)
        below, at = 0, 0
        for power, edge in zip(range(8, 26), _BOUNDARIES, strict=True):
            below += sum(cell.buckets[at:edge])
            at = edge
            out.append(f'strangler_request_seconds_bucket{{{labels},le="{(1 << power) / 1e6:g}"}} {below}')
        total = sum(cell.buckets)
        out += (
            f'strangler_request_seconds_bucket{{{labels},le="+Inf"}} {total}',
            f"strangler_request_seconds_sum{{{labels}}} {cell.seconds:.6f}",
            f"strangler_request_seconds_count{{{labels}}} {total}",
        )
    _family(out, "strangler_requests_in_flight", "gauge", "Requests being answered.")
    out += [f"strangler_requests_in_flight{{{_labels(cell)}}} {cell.in_flight}" for cell in cells]
    _family(out, "strangler_retries_total", "counter", "Requests sent again, by route and side.")
    out += [f"strangler_retries_total{{{_labels(cell)}}} {cell.retries}" for cell in cells if cell.retries]
    _family(
        out,
        "strangler_errors_total",
        "counter",
        "Answers of the proxy's own and answers broken off, by reason.",
    )
    for cell in cells:
        out += [
            f'strangler_errors_total{{{_labels(cell)},reason="{slug}"}} {n}'
            for slug, n in sorted(cell.errors.items())
        ]
    for name, (text, values) in gauges.items():
        _family(out, name, "gauge", text)
        out += [
            f"{name}{{{labels}}} {value:g}" if labels else f"{name} {value:g}"
            for labels, value in values.items()
        ]
    return "\n".join(out) + "\n"


def _family(out: list[str], name: str, kind: str, text: str) -> None:
    out += (f"# HELP {name} {text}", f"# TYPE {name} {kind}")


def _labels(cell: Cell) -> str:
    route = cell.route.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'route="{route}",side="{cell.side}"'

"""A run that was never measured, but could have been: result.json's content, the same for the same seed.

Latencies are log-normal with a tail, rounds drift, and legacy's one process is full at a lower rate.
"""

from __future__ import annotations

import random
from typing import Any

# Route: median on legacy in ms, service over legacy in latency and in CPU.
ROUTES: dict[str, tuple[float, float, float]] = {
    "GET /": (4.0, 0.9, 1.02),
    "GET /api/search": (18.0, 0.55, 0.6),
    "GET /api/trips/{trip_id}/seats": (7.0, 0.7, 0.95),
    "GET /api/bookings/{booking_id}": (5.0, 1.0, 1.0),
    "GET /api/tickets/{ticket_id}/qr": (12.0, 1.3, 1.25),
    "POST /api/bookings": (22.0, 0.8, 1.15),
    "POST /api/qr/verify": (6.0, 0.98, 1.05),
}
SERVICES = ("auth", "user", "company", "ticketing", "qr", "payment")
CURVES = {"search": (200, 400), "seats": (400, 400), "booking": (100, 150), "verify": (300, 600)}
RATES = (50, 100, 150, 200, 300, 400, 600, 800)
STATEMENTS = {
    "legacy": (
        "db_legacy",
        "SELECT t.id, t.departs_at FROM trips t JOIN stops s ON s.trip_id = t.id WHERE s.place_id = $1",
    ),
    "service": (
        "db_ticketing",
        "SELECT trip_id, departs_at FROM departures WHERE from_place = $1 AND to_place = $2 AND day = $3",
    ),
    "split": ("db_ticketing", "SELECT 1 WHERE $1 < $2"),
}


def result(*, seed: int = 1, rounds: int = 3, per_window: int = 120) -> dict[str, Any]:
    dice = random.Random(seed)
    drift = [dice.lognormvariate(0, 0.05) for _ in range(rounds)]
    return {
        "format": 1,
        "at": "2025-06-01T12:00:00Z",
        "commit": "abc1234",
        "machine": {"cores": 2, "memory_gib": 24, "python": "3.11.7", "postgres": "18.6", "load_before": 0.3},
        "settings": {"size": "full", "seed": seed, "mix": {"rounds": rounds, "users": 120, "seconds": 45}},
        "sides": ["legacy", "service", "split"],
        "idle": {"cpu_ms_per_s": _idle(), "rss_mib": _memory(dice, "split", 0.8)},
        "mix": [
            _mix(dice, side, number, drift[number - 1])
            for number in range(1, rounds + 1)
            for side in ("legacy", "service", "split")
        ],
        "routes": [
            _route(dice, route, side, number, drift[number - 1], per_window)
            for number in range(1, rounds + 1)
            for route in ROUTES
            for side in ("legacy", "service")
        ],
        "journey": [
            _journey(dice, side, number, drift[number - 1])
            for number in range(1, rounds + 1)
            for side in ("legacy", "service")
        ],
        "curves": [
            step
            for number in (1, 2)
            for what in CURVES
            for side in ("legacy", "service")
            for step in _steps(dice, what, side, number)
        ],
        "saturation": [
            {
                "what": what,
                "side": side,
                "round": number,
                "connections": 24,
                "answers_per_s": CURVES[what][side == "service"] * 1.3 * dice.uniform(0.95, 1.05),
                "asked": 500,
                "failed": 0,
                "seconds": 1.2,
                "cpu_s": {},
            }
            for number in range(1, rounds + 1)
            for what in CURVES
            for side in ("legacy", "service")
        ],
    }


def latencies(dice: random.Random, median_ms: float, many: int) -> list[float]:
    """Most near the median, one in thirty waits for something."""
    return [
        round(
            dice.lognormvariate(0, 0.25) * median_ms * (dice.uniform(2, 5) if dice.random() < 1 / 30 else 1),
            3,
        )
        for _ in range(many)
    ]


def _idle() -> dict[str, float]:
    return {"gateway": 0.2, "strangler": 1.5, "legacy": 2.0, "postgres": 6.0, "valkey": 1.0, "sync": 4.0} | {
        f"{name}-service": 1.8 for name in SERVICES
    }


def _medians(route: str, side: str) -> tuple[float, float]:
    """Latency, and CPU of the side's own processes."""
    median_ms, of_latency, of_cpu = ROUTES[route]
    share = {"legacy": 0.0, "service": 1.0, "split": 0.5}[side]
    return median_ms * of_latency**share, median_ms * 0.5 * of_cpu**share


def _cpu_s(dice: random.Random, side: str, own_ms: float, many: int, seconds: float) -> dict[str, float]:
    spent = {
        "gateway": 0.1 * many,
        "strangler": 0.35 * many,
        "postgres": own_ms * 0.4 * many,
        "valkey": 0.02 * many,
    }
    if side != "service":
        spent["legacy"] = own_ms * 0.6 * many * (0.5 if side == "split" else 1)
    if side != "legacy":
        share = 0.5 if side == "split" else 1
        spent |= {f"{name}-service": 0.01 * many for name in SERVICES}
        spent["ticketing-service"] += own_ms * 0.5 * many * share
        spent["payment-service"] += own_ms * 0.1 * many * share
    return {
        name: (spent.get(name, 0.0) * dice.lognormvariate(0, 0.02) + idle * seconds) / 1000
        for name, idle in _idle().items()
    }


def _memory(dice: random.Random, side: str, part: float) -> dict[str, float]:
    held = {"gateway": 22.0, "strangler": 64.0, "legacy": 140.0, "postgres": 260.0, "valkey": 12.0}
    held |= {f"{name}-service": 70.0 for name in SERVICES}
    return {name: round(mib * part * dice.uniform(0.95, 1.05), 1) for name, mib in held.items()}


def _route(
    dice: random.Random, route: str, side: str, number: int, drift: float, many: int
) -> dict[str, Any]:
    median_ms, own_ms = _medians(route, side)
    return {
        "route": route,
        "side": side,
        "round": number,
        "rate_per_s": 40,
        "asked": many,
        "failed": 0,
        "ms": latencies(dice, median_ms * drift, many),
        "seconds": many / 40,
        "cpu_s": _cpu_s(dice, side, own_ms * drift, many, many / 40),
    }


def _mix(dice: random.Random, side: str, number: int, drift: float) -> dict[str, Any]:
    seconds = 45
    routes = {
        route: {
            "ms": latencies(dice, _medians(route, side)[0] * drift * 1.4, dice.randint(150, 400)),
            "failed": 0,
        }
        for route in ROUTES
    }
    requests = sum(len(each["ms"]) for each in routes.values())
    own_ms = sum(_medians(route, side)[1] * len(each["ms"]) for route, each in routes.items()) / requests
    database, query = STATEMENTS[side]
    return {
        "side": side,
        "round": number,
        "seconds": seconds,
        "requests": requests,
        "failed": 0,
        "failures": [],
        "routes": routes,
        "per_second": [max(0, round(dice.gauss(requests / seconds, 5))) for _ in range(seconds)],
        "journeys": {"booked": 17, "ms": latencies(dice, 400, 17)},
        "cpu_s": _cpu_s(dice, side, own_ms * drift, requests, seconds),
        "cpu_s_per_second": {},
        "rss_mib": _memory(dice, side, 1.2),
        "statements": [
            {"database": database, "query": query, "calls": 900, "total_ms": 800.5, "rows": 9000},
            {
                "database": database,
                "query": "UPDATE outbox SET sent_at = now()",
                "calls": 90,
                "total_ms": 80,
                "rows": 90,
            },
        ],
    }


def _journey(dice: random.Random, side: str, number: int, drift: float) -> dict[str, Any]:
    own_ms = 60.0 * drift * (1.08 if side == "service" else 1.0)
    return {
        "side": side,
        "round": number,
        "journeys": 60,
        "failed": 0,
        "ms": latencies(dice, 180 * drift * (0.9 if side == "service" else 1.0), 60),
        "seconds": 15,
        "cpu_s": _cpu_s(dice, side, own_ms, 60, 15),
    }


def _steps(dice: random.Random, what: str, side: str, number: int) -> list[dict[str, Any]]:
    """Up to the first step that is past the knee, which lies between two of the rates."""
    holds = CURVES[what][side == "service"]
    steps = []
    for rate in RATES:
        is_past = rate > holds
        base = 4 / (1 - min(rate / holds, 1) * 0.85) * (12 if is_past else 1) * dice.uniform(0.95, 1.05)
        achieved = holds * 1.08 if is_past else rate * dice.uniform(0.995, 1.0)
        steps.append(
            {
                "what": what,
                "side": side,
                "round": number,
                "rate_per_s": rate,
                "achieved_per_s": round(achieved, 1),
                "asked": rate * 3,
                "failed": 0,
                "seconds": 3,
                "p50_ms": base,
                "p90_ms": base * 1.6,
                "p99_ms": base * 3,
                "p999_ms": base * 4,
                "max_ms": base * 5,
                "is_past_knee": is_past,
                "cpu_s": {},
            }
        )
        if is_past:
            break
    return steps

"""How often two services answered at once what cannot both be so: for whoever watches the site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web
from prometheus_client import Counter

from common.metrics import METRICS

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


@dataclass(frozen=True, slots=True)
class Crossed:
    """`withdrawn`: seats that a bus lacks, by the booking's status; `boarded`: by what became of the seat."""

    withdrawn: Counter
    boarded: Counter


CROSSED: Final = web.AppKey("crossed", Crossed)


def add_crossed(app: web.Application) -> None:
    """Count them among the application's metrics, which are there already."""
    registry: CollectorRegistry = app[METRICS].registry
    app[CROSSED] = Crossed(
        Counter(
            "seats_withdrawn",
            "Seats that were held or sold while a bus was put on that lacks them.",
            ("booking",),
            registry=registry,
        ),
        Counter(
            "boarded_after_cancellation",
            "Passengers who boarded with a ticket that was being given back; their seat is kept or taken.",
            ("seat",),
            registry=registry,
        ),
    )

"""Who and what a load test works with: people with tokens, departures to want, tickets to scan.

Gathered through the public API alone, from the demo data, and kept as one JSON file, so that whatever makes
the load starts from the same cast and can be a process of its own. The choice depends on the data and the
seed, not on what has been booked since: both sides get the same people and the same departures.
"""

from __future__ import annotations

from loadtests.pools.document import (
    FORMAT,
    Boarding,
    Passenger,
    Person,
    Pools,
    PoolsError,
    Staff,
    Stretch,
    Wanted,
    load,
    save,
    share_of,
)

__all__ = (
    "FORMAT",
    "Boarding",
    "Passenger",
    "Person",
    "Pools",
    "PoolsError",
    "Staff",
    "Stretch",
    "Wanted",
    "load",
    "save",
    "share_of",
)

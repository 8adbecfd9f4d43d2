"""Demo data that looks like life: Indian cities, bus companies, departures, passengers and what they booked.

Deterministic from a seed and the instant it is made for. Companies are independent of each other, so that
a larger scale only adds to those that are there. `generate` makes neutral rows, `sides` writes them down for
each database, `fill` brings them there.
"""

from __future__ import annotations

PASSWORD = "banyan-demo"  # ruff: ignore[hardcoded-password-string] — printed at start-up: it opens nothing but demo accounts

# role, e-mail address, password: the accounts that `make run` prints
LOGINS: list[tuple[str, str, str]] = [
    ("passenger", "asha@demo.example", PASSWORD),
    ("operator", "operator@kaveri.example", PASSWORD),
    ("inspector", "inspector@kaveri.example", PASSWORD),
    ("driver", "driver@kaveri.example", PASSWORD),
    ("admin", "admin@banyan.example", PASSWORD),
]

"""The peer of selling seats: PostgreSQL's own load generator, in C, running nothing but the statement."""

from __future__ import annotations

import re
import subprocess  # ruff: ignore[suspicious-subprocess-import] — pgbench is a process
from typing import TYPE_CHECKING, Final

from deploy.local.binaries import find_postgres
from loadtests.bench.world import SEATS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

REPEATED: Final = 6
"""Each sixth one asks for the seat that the one before it has asked for."""

# Both: ask number n, counted over all clients, wants seat number n - (n + 1) / 6 of all.
_COUNTING: Final = """\
\\set n :i * {clients} + :client_id
\\set i :i + 1
\\set k :n - (:n + 1) / {repeated}
\\set trip 1 + :k / {seats}
\\set seat 1 + :k % {seats}
"""
CLAIM: Final = """\
INSERT INTO seat_claims (ticket_id, booking_id, trip_id, seat, segment, status, expires_at) \
SELECT uuidv7(), uuidv7(), ('{trips}'::uuid[])[:trip], 'A' || :seat, int4range(0, {last}), 'held', \
now() + interval '600 seconds' \
ON CONFLICT DO NOTHING;
"""
HOLD: Final = """\
SELECT h.outcome, h.classes, h.decks, h.prices, h.total, h.gone, h.contact_email, h.contact_phone, \
h.created_at, h.until, (h.place).* \
FROM hold_seats(uuidv7(), substr(md5(random()::text), 1, 12), md5('{mark}' || :n % {users})::uuid, \
('{trips}'::uuid[])[:trip], 0, {last}, 'crowd@bench.example', NULL, 600, false, 3, 12, ARRAY[uuidv7()], \
ARRAY['A' || :seat], ARRAY['Rider'], ARRAY[30::smallint], ARRAY['other']) h;
"""


def asks_for(seats: int) -> int:
    """How many asks it takes until so many seats are sold."""
    return seats * REPEATED // (REPEATED - 1)


def users_for(seats: int) -> int:
    """How many people ask; nobody holds more than two seats, and nobody asks twice at once."""
    return -(-asks_for(seats) // 2)


def seat_of(ask: int) -> int:
    return ask - (ask + 1) // REPEATED


def run(
    statement: str, dsn: str, folder: Path, *, trips: Sequence[str], last: int, clients: int, mark: str
) -> float:
    """Sell all seats of these departures; answers seats per second."""
    seats = len(trips) * SEATS
    each, rest = divmod(asks_for(seats), clients)
    if rest:
        raise ValueError(f"{asks_for(seats)} asks cannot be shared out among {clients} clients")
    script = folder / "seats.pgbench"
    counting = _COUNTING.format(clients=clients, repeated=REPEATED, seats=SEATS)
    filled = statement.format(trips="{" + ",".join(trips) + "}", last=last, mark=mark, users=users_for(seats))
    script.write_text(counting + filled, encoding="utf-8")
    program = find_postgres().path.with_name("pgbench")
    command = [str(program), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-t", str(each)]
    command += ["-D", "i=0", "-f", str(script), dsn]
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # ruff: ignore[subprocess-without-shell-equals-true] — our own
    found = re.search(r"tps = ([0-9.]+)", said.stdout)
    if said.returncode or found is None:
        raise SystemExit(f"pgbench failed:\n{said.stdout}\n{said.stderr}")
    return float(found[1]) * seats / (each * clients)

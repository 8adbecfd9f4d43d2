"""All SQL of finding places and departures; docs/search.md shows the plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime, time
    from decimal import Decimal
    from uuid import UUID

    from common.database import Connection
    from services.ticketing.repository import Row


async def known_places(conn: Connection, places: Collection[str], stop_ids: Collection[UUID]) -> set[str]:
    """Which of these slugs of cities and ids of stops there are, as text."""
    rows = await conn.fetch(
        """SELECT w.place FROM unnest($1::text[]) AS w (place)
           WHERE EXISTS (SELECT FROM places p WHERE p.id = w.place AND p.kind = 'city')
           UNION ALL
           SELECT s.id::text FROM stops s WHERE s.id = ANY($2::uuid[])""",
        list(places),
        list(stop_ids),
    )
    return {row["place"] for row in rows}


async def find_departures(
    conn: Connection,
    *,
    from_place: str | None,
    from_stop: UUID | None,
    to_place: str | None,
    to_stop: UUID | None,
    day: date,
    since: time,
    until: time | None,
    company_id: UUID | None,
    sort: str,
    after: tuple[Decimal, datetime, UUID] | None,
    limit: int,
) -> list[Row]:
    """Departures that leave one place for the other on a local day and are not gone, as offers show them.

    A place is a city or a stop. Of several stops of a route in the same city the first counts. They come by
    (`key`, `boards_at`, `trip_id`), where the key is the departure's epoch, the duration, or the least that a
    seat can cost, were none sold. `since` and `until`, included, are times of day at the boarding stop.
    `taken` are the seats that are not free on the way.
    """
    after_key, after_at, after_id = after or (None, None, None)
    return list(
        await conn.fetch(
            """WITH ways AS (
                   SELECT route_id, company_id, from_seq, to_seq, depart_s, duration_s, sum_from, sum_to,
                          currency, time_zone
                   FROM stretches WHERE from_place = $1 AND to_place = $3
                   UNION ALL
                   SELECT * FROM ways_by_stop($1, $2, $3, $4) WHERE $2 IS NOT NULL OR $4 IS NOT NULL
               ), found AS (
                   SELECT t.id AS trip_id, t.layout_id, t.departs_at, t.delay_min, w.route_id, w.company_id,
                          c.name AS company_name, w.from_seq, w.to_seq, w.depart_s, w.duration_s,
                          w.depart_s + w.duration_s AS arrive_s, w.sum_from, w.sum_to, w.currency,
                          w.time_zone AS from_zone,
                          t.departs_at + make_interval(secs => w.depart_s) AS boards_at
                   FROM ways w
                   JOIN companies c ON c.id = w.company_id AND c.status = 'active'
                   CROSS JOIN LATERAL (
                       SELECT id, layout_id, departs_at, delay_min FROM trips
                       WHERE route_id = w.route_id AND status = 'scheduled'
                         AND departs_at >= ($5::date + $6::time) AT TIME ZONE w.time_zone
                                           - make_interval(secs => w.depart_s)
                         AND departs_at < coalesce($5::date + $7::time + interval '1 minute',
                                                   $5::date + interval '1 day') AT TIME ZONE w.time_zone
                                          - make_interval(secs => w.depart_s)
                         AND departs_at + make_interval(secs => w.depart_s, mins => delay_min) > now()
                   ) t
                   WHERE $8::uuid IS NULL OR w.company_id = $8
               ), ordered AS (
                   SELECT f.*, CASE $9::text
                                   WHEN 'departure' THEN extract(epoch FROM boards_at)
                                   WHEN 'duration' THEN duration_s
                                   -- rounding never takes a price below the whole number under it
                                   ELSE floor((sum_to - sum_from)::numeric * coalesce(p.least_percent, 0)
                                              / (100 * minor_per_major(currency)))
                               END AS key
                   FROM found f LEFT JOIN layout_fares p ON p.layout_id = f.layout_id AND $9 = 'price'
               )
               SELECT o.*, d.*, ARRAY(
                          SELECT c.seat FROM seat_claims c
                          WHERE c.trip_id = o.trip_id AND c.segment && int4range(o.from_seq, o.to_seq)
                            AND c.status IN ('held', 'confirmed')
                            AND (c.status = 'confirmed' OR c.expires_at > now())) AS taken
               FROM (
                   SELECT * FROM ordered
                   WHERE $10::numeric IS NULL
                      OR (key, boards_at, trip_id) > ($10, $11::timestamptz, $12::uuid)
                   ORDER BY key, boards_at, trip_id LIMIT $13
               ) o
               -- OFFSET 0: looked up for each of them, never joined with all that there are
               CROSS JOIN LATERAL (
                   SELECT r.name AS route_name, f.stop_id AS from_stop_id, fs.name AS from_name,
                          fs.city AS from_city, t.stop_id AS to_stop_id, ts.name AS to_name,
                          ts.city AS to_city, ts.time_zone AS to_zone
                   FROM routes r
                   JOIN route_stops f ON f.route_id = r.id AND f.seq = o.from_seq
                   JOIN route_stops t ON t.route_id = r.id AND t.seq = o.to_seq
                   LEFT JOIN stops fs ON fs.id = f.stop_id
                   LEFT JOIN stops ts ON ts.id = t.stop_id
                   WHERE r.id = o.route_id OFFSET 0
               ) d
               ORDER BY o.key, o.boards_at, o.trip_id""",
            from_place,
            from_stop,
            to_place,
            to_stop,
            day,
            since,
            until,
            company_id,
            sort,
            after_key,
            after_at,
            after_id,
            limit,
        )
    )


async def match_places(conn: Connection, text: str, pattern: str, prefix: str, limit: int) -> list[Row]:
    """Cities and stops whose name holds the text or nearly does, the likeliest first.

    `pattern` and `prefix` are the text for ILIKE. Stops of one name in a city, of several companies, are one.
    """
    return list(
        await conn.fetch(
            """SELECT id, kind, name, city, time_zone, lat, lon,
                      CASE WHEN name ILIKE $3 THEN 1.5 ELSE word_similarity($1, name || ' ' || city) END
                          + CASE kind WHEN 'city' THEN 0.5 ELSE 0 END AS score
               FROM places
               WHERE (name || ' ' || city) ILIKE $2 OR $1 <% (name || ' ' || city)
               ORDER BY score DESC, name, id LIMIT $4""",
            text,
            pattern,
            prefix,
            limit,
        )
    )


async def guess_cities(conn: Connection, text: str, limit: int) -> list[Row]:
    """Cities whose name is somewhat like the text: for when nothing matches."""
    return list(
        await conn.fetch(
            """SELECT id, kind, name, city, time_zone, lat, lon, similarity($1, name) AS score
               FROM places WHERE kind = 'city' AND similarity($1, name) > 0.15
               ORDER BY score DESC, name, id LIMIT $2""",
            text,
            limit,
        )
    )


async def busiest_cities(conn: Connection, limit: int) -> list[Row]:
    """Those from which most routes lead somewhere; above five hundred they count as equally busy."""
    return list(
        await conn.fetch(
            """SELECT p.id, p.kind, p.name, p.city, p.time_zone, p.lat, p.lon
               FROM places p
               CROSS JOIN LATERAL (
                   SELECT count(*) AS routes
                   FROM (SELECT FROM stretches s WHERE s.from_place = p.id LIMIT 500) counted
               ) r
               WHERE p.kind = 'city' ORDER BY r.routes DESC, p.id LIMIT $1""",
            limit,
        )
    )


async def get_place(conn: Connection, place: str, stop_id: UUID | None) -> Row | None:
    """The city of a slug, or the stop of an id."""
    return await conn.fetchrow(
        """SELECT id, kind, name, city, time_zone, lat, lon FROM places WHERE id = $1 AND kind = 'city'
           UNION ALL
           SELECT id::text, 'stop', name, city, time_zone, lat, lon FROM stops WHERE id = $2
           LIMIT 1""",
        place,
        stop_id,
    )

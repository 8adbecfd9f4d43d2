"""All SQL of finding places and departures; docs/search.md shows the plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime, time
    from decimal import Decimal
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def known_places(conn: Connection, places: Collection[str], stop_ids: Collection[UUID]) -> set[str]:
    """Which of these slugs of cities and ids of stops there are, as text."""
    rows = await conn.fetch(
        """SELECT w.place FROM unnest($1::text[]) AS w (place)
           WHERE EXISTS (SELECT FROM stops s WHERE s.place = w.place)
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
    """Departures that leave one place for the other on a local day and are not gone, in the order of `sort`.

    Of several stops of a route in the same city the first of each counts. `key` is what they are sorted by,
    before `boards_at` and `trip_id`: the departure's epoch, the duration, or the least that a seat can cost,
    whatever is left. `since` and `until`, included, are times of day at the boarding stop.
    """
    after_key, after_at, after_id = after or (None, None, None)
    return list(
        await conn.fetch(
            """WITH boarding AS MATERIALIZED (
                   SELECT id, ($5::date + $6::time) AT TIME ZONE time_zone AS since,
                          coalesce($5::date + $7::time + interval '1 minute', $5::date + interval '1 day')
                              AT TIME ZONE time_zone AS until
                   FROM stops WHERE place = $1 OR id = $2
               ), alighting AS MATERIALIZED (
                   SELECT id FROM stops WHERE place = $3 OR id = $4
               ), stretches AS MATERIALIZED (
                   SELECT DISTINCT ON (f.route_id) f.route_id, f.seq AS from_seq, o.seq AS to_seq,
                          make_interval(secs => f.depart_s) AS depart, o.arrive_s - f.depart_s AS duration_s,
                          f.fare_sum AS sum_from, o.fare_sum AS sum_to, r.currency, b.since,
                          b.until
                   FROM boarding b
                   JOIN route_stops f ON f.stop_id = b.id
                   JOIN route_stops o ON o.route_id = f.route_id AND o.seq > f.seq
                   JOIN alighting a ON a.id = o.stop_id
                   JOIN routes r ON r.id = f.route_id AND ($8::uuid IS NULL OR r.company_id = $8)
                   JOIN companies c ON c.id = r.company_id AND c.status = 'active'
                   ORDER BY f.route_id, f.seq, o.seq
               ), found AS (
                   SELECT t.id AS trip_id, t.layout_id, t.departs_at + s.depart AS boards_at, s.from_seq,
                          s.to_seq, s.duration_s, s.sum_from, s.sum_to, s.currency,
                          CASE $9
                              WHEN 'departure' THEN extract(epoch FROM t.departs_at + s.depart)
                              WHEN 'duration' THEN s.duration_s
                              ELSE floor((s.sum_to - s.sum_from) / 100
                                         * (SELECT min((each ->> 'fare_percent')::integer)
                                            FROM layouts l, jsonb_array_elements(l.classes) each
                                            WHERE l.id = t.layout_id))
                          END AS key
                   FROM stretches s
                   CROSS JOIN LATERAL (
                       SELECT id, layout_id, departs_at FROM trips
                       WHERE route_id = s.route_id AND status = 'scheduled'
                         AND departs_at >= s.since - s.depart AND departs_at < s.until - s.depart
                         AND departs_at + s.depart + make_interval(mins => delay_min) > now()
                   ) t
               )
               SELECT * FROM found
               WHERE $10::numeric IS NULL OR (key, boards_at, trip_id) > ($10, $11::timestamptz, $12::uuid)
               ORDER BY key, boards_at, trip_id LIMIT $13""",
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


async def describe_departures(
    conn: Connection, trip_ids: Collection[UUID], from_seqs: Collection[int], to_seqs: Collection[int]
) -> dict[UUID, Row]:
    """What an offer shows of a trip's stretch, beside seats and prices."""
    rows = await conn.fetch(
        """SELECT t.id AS trip_id, t.company_id, c.name AS company_name, r.name AS route_name, r.currency,
                  t.delay_min, t.departs_at, f.depart_s, o.arrive_s, f.stop_id AS from_stop_id,
                  fs.name AS from_name, fs.city AS from_city, fs.time_zone AS from_zone,
                  o.stop_id AS to_stop_id, os.name AS to_name, os.city AS to_city, os.time_zone AS to_zone
           FROM unnest($1::uuid[], $2::smallint[], $3::smallint[]) AS w (trip_id, from_seq, to_seq)
           JOIN trips t ON t.id = w.trip_id
           JOIN companies c ON c.id = t.company_id
           JOIN routes r ON r.id = t.route_id
           JOIN route_stops f ON f.route_id = t.route_id AND f.seq = w.from_seq
           JOIN stops fs ON fs.id = f.stop_id
           JOIN route_stops o ON o.route_id = t.route_id AND o.seq = w.to_seq
           JOIN stops os ON os.id = o.stop_id""",
        list(trip_ids),
        list(from_seqs),
        list(to_seqs),
    )
    return {row["trip_id"]: row for row in rows}


async def match_places(conn: Connection, text: str, pattern: str, prefix: str, limit: int) -> list[Row]:
    """Cities and stops whose name holds the text or nearly does, the likeliest first.

    `pattern` and `prefix` are the text for ILIKE. Stops of one name in a city, of several companies, are one.
    """
    return list(
        await conn.fetch(
            """WITH near AS MATERIALIZED (
                   SELECT id, place, name, city, time_zone, lat, lon FROM stops
                   WHERE (name || ' ' || city) ILIKE $2 OR $1 <% (name || ' ' || city)
               ), cities AS (
                   SELECT place AS id, 'city' AS kind, min(city) AS name, min(city) AS city,
                          min(time_zone) AS time_zone, avg(lat) AS lat, avg(lon) AS lon,
                          max(CASE WHEN city ILIKE $3 THEN 2 ELSE word_similarity($1, city) END) AS score
                   FROM near WHERE city ILIKE $2 OR $1 <% city GROUP BY place
               ), stands AS (
                   SELECT DISTINCT ON (place, lower(name)) id::text, 'stop' AS kind, name, city, time_zone,
                          lat, lon, CASE WHEN name ILIKE $3 THEN 1.5
                                         ELSE word_similarity($1, name || ' ' || city) - 0.1 END AS score
                   FROM near ORDER BY place, lower(name), id
               )
               SELECT * FROM cities UNION ALL SELECT * FROM stands
               ORDER BY score DESC, kind, name, id LIMIT $4""",
            text,
            pattern,
            prefix,
            limit,
        )
    )


async def guess_cities(conn: Connection, text: str, limit: int) -> list[Row]:
    """Cities whose name is somewhat like the text: for when nothing matches, and slower."""
    return list(
        await conn.fetch(
            """SELECT * FROM (
                   SELECT place AS id, 'city' AS kind, min(city) AS name, min(city) AS city,
                          min(time_zone) AS time_zone, avg(lat) AS lat, avg(lon) AS lon,
                          max(similarity($1, city)) AS score
                   FROM stops GROUP BY place
               ) guessed
               WHERE score > 0.15 ORDER BY score DESC, name, id LIMIT $2""",
            text,
            limit,
        )
    )


async def busiest_cities(conn: Connection, limit: int) -> list[Row]:
    """Those that most routes call at."""
    return list(
        await conn.fetch(
            """SELECT s.place AS id, 'city' AS kind, min(s.city) AS name, min(s.city) AS city,
                      min(s.time_zone) AS time_zone, avg(s.lat) AS lat, avg(s.lon) AS lon
               FROM stops s JOIN route_stops rs ON rs.stop_id = s.id
               GROUP BY s.place ORDER BY count(*) DESC, s.place LIMIT $1""",
            limit,
        )
    )

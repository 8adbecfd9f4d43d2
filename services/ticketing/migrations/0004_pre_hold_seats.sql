-- Selling a seat in one statement: what a trip is between two stops, and holding seats there.

-- Minor units in a major one (ISO 4217), and how many of them are the least that a fare is rounded to: fares have two
-- decimals at the most.
CREATE FUNCTION minor_per_major(currency text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND',
                          'VUV', 'XAF', 'XOF', 'XPF') THEN 1
        WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 1000
        ELSE 100
    END
$$;
CREATE FUNCTION minor_step(currency text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 10 ELSE 1 END
$$;

-- An instant as the wire writes it (common.instants).
CREATE FUNCTION wire_instant(at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', CASE
        WHEN date_trunc('milliseconds', at) = date_trunc('second', at) THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
        ELSE 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"' END)
$$;

-- A trip between two stops, by their seq. What is of a stop is null if the route has no such one.
CREATE TYPE stretch AS (
    company_id     uuid,
    company_name   text,
    company_status text,
    refund_policy  jsonb,
    route_id       uuid,
    route_name     text,
    currency       text,
    last_seq       smallint,
    layout_id      uuid,
    departs_at     timestamptz,
    arrives_at     timestamptz,
    delay_min      integer,
    trip_status    text,
    cancel_reason  text,
    depart_s       integer,
    arrive_s       integer,
    sum_from       bigint,
    sum_to         bigint,
    from_stop_id   uuid,
    from_name      text,
    from_city      text,
    from_zone      text,
    to_stop_id     uuid,
    to_name        text,
    to_city        text,
    to_zone        text
);
CREATE FUNCTION trip_stretch(trip uuid, board integer, leave integer) RETURNS SETOF stretch
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT t.company_id, c.name, c.status, c.refund_policy, t.route_id, r.name, r.currency, r.last_seq, t.layout_id,
           t.departs_at, t.arrives_at, t.delay_min, t.status, t.cancel_reason, f.depart_s, o.arrive_s,
           f.fare_sum_minor, o.fare_sum_minor, f.stop_id, fs.name, fs.city, fs.time_zone,
           o.stop_id, os.name, os.city, os.time_zone
    FROM trips t
    JOIN routes r ON r.id = t.route_id
    JOIN companies c ON c.id = t.company_id
    LEFT JOIN route_stops f ON f.route_id = t.route_id AND f.seq = board
    LEFT JOIN stops fs ON fs.id = f.stop_id
    LEFT JOIN route_stops o ON o.route_id = t.route_id AND o.seq = leave
    LEFT JOIN stops os ON os.id = o.stop_id
    WHERE t.id = trip
$$;

-- Bookings as the wire shows them: with their trip as it is now, or as it was sold where the mirrors lack it.
CREATE VIEW shown_bookings AS
SELECT b.id, b.reference, b.user_id, b.trip_id, b.company_id, b.from_seq, b.to_seq, b.status, b.seats, b.total_minor,
       b.currency, b.refund_due_minor, b.refund_reason, b.payment_id, b.contact_email, b.contact_phone, b.expires_at,
       b.created_at, b.updated_at,
       coalesce(s.company_name, b.journey ->> 'company_name') AS company_name,
       s.refund_policy,
       coalesce(s.route_name, b.journey ->> 'route_name') AS route_name,
       coalesce(s.departs_at, (b.journey ->> 'departs_at')::timestamptz) AS departs_at,
       coalesce(s.arrives_at, (b.journey ->> 'arrives_at')::timestamptz) AS arrives_at,
       coalesce(s.delay_min, 0) AS delay_min,
       coalesce(s.trip_status, 'scheduled') AS trip_status,
       s.cancel_reason,
       coalesce(s.depart_s, extract(epoch FROM (b.journey #>> '{from,departs_at}')::timestamptz
                                               - (b.journey ->> 'departs_at')::timestamptz)::integer) AS depart_s,
       coalesce(s.arrive_s, extract(epoch FROM (b.journey #>> '{to,arrives_at}')::timestamptz
                                               - (b.journey ->> 'departs_at')::timestamptz)::integer) AS arrive_s,
       coalesce(s.from_stop_id, (b.journey #>> '{from,stop_id}')::uuid) AS from_stop_id,
       coalesce(s.from_name, b.journey #>> '{from,name}') AS from_name,
       coalesce(s.from_city, b.journey #>> '{from,city}') AS from_city,
       coalesce(s.from_zone, b.journey #>> '{from,time_zone}') AS from_zone,
       coalesce(s.to_stop_id, (b.journey #>> '{to,stop_id}')::uuid) AS to_stop_id,
       coalesce(s.to_name, b.journey #>> '{to,name}') AS to_name,
       coalesce(s.to_city, b.journey #>> '{to,city}') AS to_city,
       coalesce(s.to_zone, b.journey #>> '{to,time_zone}') AS to_zone
FROM bookings b
LEFT JOIN LATERAL trip_stretch(b.trip_id, b.from_seq, b.to_seq) s ON true;

-- Those of the bookings that are held are so no more; the caller has locked them. Answers how many.
CREATE FUNCTION expire_bookings(which uuid[]) RETURNS bigint LANGUAGE sql AS $$
    WITH over AS (
        UPDATE bookings SET status = 'expired', updated_at = now()
        WHERE id = ANY(which) AND status = 'held' RETURNING id
    ), tickets_over AS (
        UPDATE tickets t SET status = 'expired', updated_at = now()
        FROM over WHERE t.booking_id = over.id AND t.status = 'held' RETURNING t.id
    ), claims_over AS (
        UPDATE seat_claims c SET status = 'expired'
        FROM tickets_over t WHERE c.ticket_id = t.id AND c.status = 'held'
    )
    SELECT count(*) FROM over
$$;

-- The bookings whose claims are in the way of these seats though their time is over, locked; not those paid for.
CREATE FUNCTION lock_stale_holds(trip uuid, wanted text[], part int4range) RETURNS uuid[] LANGUAGE sql AS $$
    SELECT ARRAY(
        SELECT b.id FROM bookings b
        WHERE b.id = ANY(ARRAY(
                  SELECT c.booking_id FROM seat_claims c
                  WHERE c.trip_id = trip AND c.seat = ANY(wanted) AND c.segment && part
                    AND c.status = 'held' AND c.expires_at <= now()))
          AND b.status = 'held'
          AND NOT EXISTS (SELECT FROM payments p WHERE p.booking_id = b.id AND p.status = 'succeeded')
        ORDER BY b.id FOR UPDATE OF b)
$$;

-- Hold seats for a booking, all of them or none. `outcome` is what came of it:
--   held          it is written; created_at and until are its times, contact_email and _phone whom it is for
--   free          it would cost nothing, and free_too is not set: nothing was done
--   unknown-trip, unknown-user: the mirrors lack it
--   no-stretch    the stops are not in order on the route, whose last is last_seq
--   cancelled, left, suspended: seats from there are not sold any more
--   no-seats      some are not on the bus (their class is null), or named twice
--   many-holds, many-seats: the user would have too many
--   taken         somebody else has those in `gone`
-- Nothing raises, so that what is refused costs no transaction and no line in the server's log. Who wants several
-- seats claims them in the order of their names, and locks bookings in the order of their ids, and so do all others.
-- It is two statements, one that looks and one that writes: starting one costs as much as what it does.
CREATE FUNCTION hold_seats(
    booking uuid, code text, by_user uuid, trip uuid, board integer, leave integer, email text, tel text,
    hold_s integer, free_too boolean, most_holds integer, most_seats integer,
    ids uuid[], wanted text[], names text[], ages smallint[], genders text[],
    OUT outcome text, OUT place stretch, OUT classes text[], OUT decks text[], OUT prices bigint[], OUT total bigint,
    OUT gone text[], OUT contact_email text, OUT contact_phone text, OUT created_at timestamptz,
    OUT until timestamptz
) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    wants integer := cardinality(ids);
    part int4range;
    looked record;
    claimed bigint;
    stale uuid[];
    expired boolean := false;
BEGIN
    created_at := now();
    until := created_at + make_interval(secs => hold_s);
    PERFORM pg_advisory_xact_lock(hashtextextended('holds of ' || by_user, 0));

    SELECT s AS place, w.classes, w.decks, w.prices, w.total, w.known, k.user_id, k.email, k.phone, h.holds, h.seats
    INTO looked
    FROM trip_stretch(trip, board, leave) s
    CROSS JOIN LATERAL (
        SELECT array_agg(l.seat_class ORDER BY e.n) AS classes, array_agg(l.deck ORDER BY e.n) AS decks,
               array_agg(p.minor ORDER BY e.n) AS prices, sum(p.minor) AS total, count(DISTINCT l.seat) AS known
        FROM unnest(wanted) WITH ORDINALITY AS e (seat, n)
        LEFT JOIN layout_seats l ON l.layout_id = s.layout_id AND l.seat = e.seat
        CROSS JOIN LATERAL (VALUES (
            ((s.sum_to - s.sum_from) * l.fare_percent + 50 * minor_step(s.currency))
            / (100 * minor_step(s.currency)) * minor_step(s.currency)
        )) p (minor)
    ) w
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE b.status = 'held') AS holds,
               coalesce(sum(b.seats) FILTER (WHERE b.trip_id = trip), 0) AS seats
        FROM bookings b
        WHERE b.user_id = by_user AND b.status IN ('held', 'confirmed')
          AND (b.status = 'held' AND b.expires_at > created_at OR b.status = 'confirmed' AND b.trip_id = trip)
    ) h
    LEFT JOIN contacts k ON k.user_id = by_user;
    IF NOT FOUND THEN
        outcome := 'unknown-trip';
        RETURN;
    END IF;
    place := looked.place;
    classes := looked.classes;
    decks := looked.decks;
    prices := looked.prices;
    total := looked.total;
    contact_email := coalesce(email, looked.email);
    contact_phone := CASE WHEN email IS NULL THEN looked.phone ELSE tel END;
    outcome := CASE
        WHEN NOT (0 <= board AND board < leave AND leave <= place.last_seq) THEN 'no-stretch'
        WHEN place.from_name IS NULL OR place.to_name IS NULL THEN 'unknown-trip'
        WHEN place.trip_status = 'cancelled' THEN 'cancelled'
        WHEN place.departs_at + make_interval(secs => place.depart_s, mins => place.delay_min) <= created_at THEN 'left'
        WHEN place.company_status <> 'active' THEN 'suspended'
        WHEN looked.known < wants THEN
            CASE WHEN EXISTS (SELECT FROM layout_fares f WHERE f.layout_id = place.layout_id)
                 THEN 'no-seats' ELSE 'unknown-trip' END
        WHEN total = 0 AND NOT free_too THEN 'free'
        WHEN contact_email IS NULL THEN 'unknown-user'
        WHEN looked.holds >= most_holds THEN 'many-holds'
        WHEN looked.seats + wants > most_seats THEN 'many-seats'
    END;
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;

    part := int4range(board, leave);
    LOOP
        WITH mine AS (
            INSERT INTO seat_claims (ticket_id, booking_id, trip_id, seat, segment, status, expires_at)
            SELECT w.id, booking, trip, w.seat, part, 'held', until
            FROM unnest(ids, wanted) AS w (id, seat) ORDER BY w.seat
            ON CONFLICT DO NOTHING
            RETURNING 1
        ), booked AS (
            INSERT INTO bookings (id, reference, user_id, trip_id, company_id, from_seq, to_seq, status, seats,
                                  total_minor, currency, contact_email, contact_phone, expires_at, created_at,
                                  updated_at, journey)
            SELECT booking, code, by_user, trip, place.company_id, board, leave, 'held', wants, total,
                   place.currency, contact_email, contact_phone, until, created_at, created_at,
                   jsonb_build_object(
                       'route_id', place.route_id, 'route_name', place.route_name,
                       'company_name', place.company_name, 'departs_at', wire_instant(place.departs_at),
                       'arrives_at', wire_instant(place.arrives_at),
                       'from', jsonb_build_object(
                           'seq', board, 'stop_id', place.from_stop_id, 'name', place.from_name,
                           'city', place.from_city, 'time_zone', place.from_zone,
                           'departs_at', wire_instant(place.departs_at + make_interval(secs => place.depart_s))),
                       'to', jsonb_build_object(
                           'seq', leave, 'stop_id', place.to_stop_id, 'name', place.to_name,
                           'city', place.to_city, 'time_zone', place.to_zone,
                           'arrives_at', wire_instant(place.departs_at + make_interval(secs => place.arrive_s))))
            WHERE (SELECT count(*) FROM mine) = wants
            RETURNING 1
        ), ticketed AS (
            INSERT INTO tickets (id, booking_id, trip_id, company_id, user_id, seat, seat_class, deck, from_seq, to_seq,
                                 passenger_name, passenger_age, passenger_gender, price_minor, status, updated_at)
            SELECT w.id, booking, trip, place.company_id, by_user, w.seat, w.seat_class, w.deck, board, leave,
                   w.name, w.age, w.gender, w.minor, 'held', created_at
            FROM unnest(ids, wanted, classes, decks, names, ages, genders, prices)
                 AS w (id, seat, seat_class, deck, name, age, gender, minor)
            WHERE EXISTS (SELECT FROM booked)
        )
        SELECT count(*) INTO claimed FROM mine;
        EXIT WHEN claimed = wants;
        WITH let_go AS (DELETE FROM seat_claims c WHERE c.ticket_id = ANY(ids) RETURNING c.seat)
        SELECT array_agg(w.seat ORDER BY w.seat) INTO gone
        FROM unnest(wanted) AS w (seat) WHERE w.seat NOT IN (SELECT l.seat FROM let_go l);
        -- perhaps by holds whose time is over, but nobody has said so yet
        stale := CASE WHEN NOT expired THEN lock_stale_holds(trip, gone, part) END;
        IF coalesce(cardinality(stale), 0) = 0 THEN
            outcome := 'taken';
            RETURN;
        END IF;
        PERFORM expire_bookings(stale);
        expired := true;
    END LOOP;
    gone := NULL;
    outcome := 'held';
END $$;

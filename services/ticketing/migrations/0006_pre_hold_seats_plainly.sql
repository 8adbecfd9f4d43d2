-- As before (0004), but that claims, booking and tickets are written one after the other: three plain statements cost less
-- than one that hands rows from part to part.
CREATE OR REPLACE FUNCTION hold_seats(
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
        INSERT INTO seat_claims (ticket_id, booking_id, trip_id, seat, segment, status, expires_at)
        SELECT w.id, booking, trip, w.seat, part, 'held', until
        FROM unnest(ids, wanted) AS w (id, seat) ORDER BY w.seat
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS claimed = ROW_COUNT;
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
    INSERT INTO bookings (id, reference, user_id, trip_id, company_id, from_seq, to_seq, status, seats, total_minor,
                          currency, contact_email, contact_phone, expires_at, created_at, updated_at, journey)
    VALUES (booking, code, by_user, trip, place.company_id, board, leave, 'held', wants, total,
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
                    'arrives_at', wire_instant(place.departs_at + make_interval(secs => place.arrive_s)))));
    INSERT INTO tickets (id, booking_id, trip_id, company_id, user_id, seat, seat_class, deck, from_seq, to_seq,
                         passenger_name, passenger_age, passenger_gender, price_minor, status, updated_at)
    SELECT w.id, booking, trip, place.company_id, by_user, w.seat, w.seat_class, w.deck, board, leave,
           w.name, w.age, w.gender, w.minor, 'held', created_at
    FROM unnest(ids, wanted, classes, decks, names, ages, genders, prices)
         AS w (id, seat, seat_class, deck, name, age, gender, minor);
    gone := NULL;
    outcome := 'held';
END $$;

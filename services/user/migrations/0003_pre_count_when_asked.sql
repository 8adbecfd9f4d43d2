-- What is told marks the cells that it touches; who reads a dashboard counts them first, and so does a sweep of the
-- service. Counting a cell costs as much as it has rows, and a popular route's cell is touched by every booking of the
-- day: counted at each, selling became dearer with every sale. Marks and rows are committed together, so that whoever
-- sees a row sees that its cell is to be counted.
--
-- Code of before this does not count what it finds marked: where that runs again, SELECT count_stale(NULL, 1000000) does.
--
-- Whoever marks or counts has the turn (take_turn_to_count): a mark is never taken away by somebody who does not see
-- the rows that it was made for.

CREATE TABLE stale_sales (
    company_id uuid NOT NULL,
    route_id   uuid NOT NULL,
    day        date NOT NULL,
    PRIMARY KEY (company_id, route_id, day)
);
CREATE TABLE stale_refunds (
    company_id uuid NOT NULL,
    day        date NOT NULL,
    PRIMARY KEY (company_id, day)
);
CREATE TABLE stale_departures (
    company_id uuid NOT NULL,
    route_id   uuid NOT NULL,
    day        date NOT NULL,
    PRIMARY KEY (company_id, route_id, day)
);

-- Whether a company has marks; of null, whether anybody has.
CREATE FUNCTION is_stale(company uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF company IS NULL THEN
        RETURN EXISTS (SELECT FROM stale_sales) OR EXISTS (SELECT FROM stale_departures)
            OR EXISTS (SELECT FROM stale_refunds);
    END IF;
    RETURN EXISTS (SELECT FROM stale_sales s WHERE s.company_id = company)
        OR EXISTS (SELECT FROM stale_departures d WHERE d.company_id = company)
        OR EXISTS (SELECT FROM stale_refunds r WHERE r.company_id = company);
END $$;

-- Count marked cells of a company, of null everybody's: so many of each kind at the most, so that it ends in time
-- however many there are. Answers how many there were of the kind that had most: with fewer than `most` that is all.
-- Its statements must see what was committed before its turn came, so it is called at READ COMMITTED.
CREATE FUNCTION count_stale(company uuid, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    of_companies uuid[];
    of_routes uuid[];
    of_days date[];
    counted integer;
BEGIN
    PERFORM take_turn_to_count();
    WITH gone AS (
        DELETE FROM stale_sales WHERE ctid = ANY (ARRAY(
            SELECT s.ctid FROM stale_sales s WHERE company IS NULL OR s.company_id = company LIMIT most
        )) RETURNING *
    )
    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days FROM gone;
    PERFORM recount_sales(of_companies, of_routes, of_days);
    counted := coalesce(cardinality(of_days), 0);

    WITH gone AS (
        DELETE FROM stale_refunds WHERE ctid = ANY (ARRAY(
            SELECT r.ctid FROM stale_refunds r WHERE company IS NULL OR r.company_id = company LIMIT most
        )) RETURNING *
    )
    SELECT array_agg(company_id), array_agg(day) INTO of_companies, of_days FROM gone;
    PERFORM recount_refunds(of_companies, of_days);
    counted := greatest(counted, coalesce(cardinality(of_days), 0));

    WITH gone AS (
        DELETE FROM stale_departures WHERE ctid = ANY (ARRAY(
            SELECT d.ctid FROM stale_departures d WHERE company IS NULL OR d.company_id = company LIMIT most
        )) RETURNING *
    )
    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days FROM gone;
    PERFORM recount_departures(of_companies, of_routes, of_days);
    RETURN greatest(counted, coalesce(cardinality(of_days), 0));
END $$;

-- Both triggers of an INSERT … ON CONFLICT DO UPDATE are called, one of them with nothing.
CREATE OR REPLACE FUNCTION count_bookings_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM told) THEN
        RETURN NULL;
    END IF;
    PERFORM take_turn_to_count();
    INSERT INTO stale_sales
    SELECT DISTINCT b.company_id, b.route_id, (b.created_at AT TIME ZONE c.time_zone)::date
    FROM told b JOIN companies c ON c.id = b.company_id WHERE b.route_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    INSERT INTO stale_refunds
    SELECT DISTINCT r.company_id, (r.created_at AT TIME ZONE c.time_zone)::date
    FROM told b JOIN refunds r ON r.booking_id = b.id JOIN companies c ON c.id = r.company_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_tickets_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM told) THEN
        RETURN NULL;
    END IF;
    PERFORM take_turn_to_count();
    INSERT INTO stale_sales
    SELECT DISTINCT b.company_id, b.route_id, (b.created_at AT TIME ZONE c.time_zone)::date
    FROM told k JOIN bookings b ON b.id = k.booking_id JOIN companies c ON c.id = b.company_id
    WHERE b.route_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    INSERT INTO stale_departures
    SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date
    FROM told k JOIN trips t ON t.id = k.trip_id JOIN companies c ON c.id = t.company_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_check_ins_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM told) THEN
        RETURN NULL;
    END IF;
    PERFORM take_turn_to_count();
    INSERT INTO stale_departures
    SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date
    FROM told i JOIN trips t ON t.id = i.trip_id JOIN companies c ON c.id = t.company_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_refunds_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM told) THEN
        RETURN NULL;
    END IF;
    PERFORM take_turn_to_count();
    INSERT INTO stale_refunds
    SELECT DISTINCT r.company_id, (r.created_at AT TIME ZONE c.time_zone)::date
    FROM told r JOIN companies c ON c.id = r.company_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- A trip also brings its bookings their route, if they were told of before it; which marks their cells.
CREATE OR REPLACE FUNCTION count_trips_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM told) THEN
        RETURN NULL;
    END IF;
    PERFORM take_turn_to_count();
    UPDATE bookings b SET route_id = t.route_id FROM told t WHERE b.trip_id = t.id AND b.route_id IS NULL;
    INSERT INTO stale_departures
    SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date
    FROM told t JOIN companies c ON c.id = t.company_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_layouts_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM told) THEN
        RETURN NULL;
    END IF;
    PERFORM take_turn_to_count();
    INSERT INTO stale_departures
    SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date
    FROM told l JOIN trips t ON t.layout_id = l.id JOIN companies c ON c.id = t.company_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

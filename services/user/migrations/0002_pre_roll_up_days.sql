-- What the dashboards show, added up by day. A cell is never added to: whatever touches it has it counted again from
-- the rows above, in the same transaction. So it does not matter in which order they come, or how often; and a cell
-- that were wrong would be right again with the next thing that is heard of its day. Triggers do it, so that it is
-- so for a COPY and a hand in psql as well.
--
-- A sale is a booking that is confirmed, or was cancelled after it was paid for (or was free), with at least one
-- ticket that ever was good; it is of the day, where the company is, on which it was made, and stays one. A refund
-- is of the day on which it was made, a departure of the day on which it leaves stop 0. None of these moves to
-- another day, route or company; only a company's time zone may change.

CREATE TABLE daily_sales (
    company_id    uuid NOT NULL,
    day           date NOT NULL,
    route_id      uuid NOT NULL,
    currency      text NOT NULL,
    bookings      integer NOT NULL,
    tickets       integer NOT NULL,
    cancelled     integer NOT NULL,        -- of these tickets
    revenue_minor bigint NOT NULL,
    PRIMARY KEY (company_id, day, route_id, currency)
);

-- The same without routes, for the platform's dashboard: a year of it must not be all of its routes' days.
CREATE TABLE daily_totals (
    company_id    uuid NOT NULL,
    day           date NOT NULL,
    currency      text NOT NULL,
    bookings      integer NOT NULL,
    tickets       integer NOT NULL,
    cancelled     integer NOT NULL,
    revenue_minor bigint NOT NULL,
    PRIMARY KEY (company_id, day, currency)
);
CREATE INDEX daily_totals_by_day ON daily_totals (day);                                 -- the platform's

CREATE TABLE daily_refunds (
    company_id    uuid NOT NULL,
    day           date NOT NULL,
    currency      text NOT NULL,
    refunds_minor bigint NOT NULL,
    PRIMARY KEY (company_id, day, currency)
);
CREATE INDEX daily_refunds_by_day ON daily_refunds (day);                               -- the platform's

CREATE TABLE daily_departures (
    company_id uuid NOT NULL,
    day        date NOT NULL,
    route_id   uuid NOT NULL,
    departures integer NOT NULL,
    seats      integer NOT NULL,
    sold_legs  integer NOT NULL,           -- of seats times legs
    passengers integer NOT NULL,
    boarded    integer NOT NULL,           -- of these passengers
    PRIMARY KEY (company_id, day, route_id)
);
CREATE INDEX daily_departures_by_day ON daily_departures (day) INCLUDE (company_id, departures);  -- the platform's

CREATE TABLE counted_accounts (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    accounts bigint NOT NULL
);
INSERT INTO counted_accounts (accounts) VALUES (0);

-- One at a time: two transactions that each see half of a cell would both write the half. Each statement of a
-- function sees what was committed before it (READ COMMITTED), so whoever comes second counts both halves. Who
-- writes several of these tables takes the turn first, lest they wait for each other's rows.
CREATE FUNCTION take_turn_to_count() RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(7021789002837)
$$;

-- cells ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION recount_sales(of_companies uuid[], of_routes uuid[], of_days date[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF of_days IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM daily_sales old
    USING unnest(of_companies, of_routes, of_days) AS cell (company_id, route_id, day)
    WHERE old.company_id = cell.company_id AND old.day = cell.day AND old.route_id = cell.route_id;
    INSERT INTO daily_sales
    SELECT cell.company_id, cell.day, cell.route_id, sold.*
    FROM unnest(of_companies, of_routes, of_days) AS cell (company_id, route_id, day)
    JOIN companies c ON c.id = cell.company_id
    CROSS JOIN LATERAL (
        SELECT b.currency, count(*), sum(good.tickets), sum(good.cancelled), sum(b.total_minor)
        FROM bookings b
        CROSS JOIN LATERAL (
            SELECT count(*) AS tickets, count(*) FILTER (WHERE k.status = 'cancelled') AS cancelled
            FROM tickets k
            WHERE k.booking_id = b.id
              AND (k.status = 'confirmed' OR (k.status = 'cancelled' AND k.sold))
        ) good
        WHERE b.company_id = cell.company_id AND b.route_id = cell.route_id
          AND b.created_at >= cell.day::timestamp AT TIME ZONE c.time_zone
          AND b.created_at < (cell.day + 1)::timestamp AT TIME ZONE c.time_zone
          AND (b.status = 'confirmed' OR b.payment_id IS NOT NULL OR b.total_minor = 0)
          AND good.tickets > 0
        GROUP BY b.currency
    ) sold;

    DELETE FROM daily_totals old
    USING (SELECT DISTINCT * FROM unnest(of_companies, of_days)) AS cell (company_id, day)
    WHERE old.company_id = cell.company_id AND old.day = cell.day;
    INSERT INTO daily_totals
    SELECT s.company_id, s.day, s.currency, sum(s.bookings), sum(s.tickets), sum(s.cancelled), sum(s.revenue_minor)
    FROM (SELECT DISTINCT * FROM unnest(of_companies, of_days)) AS cell (company_id, day)
    JOIN daily_sales s ON s.company_id = cell.company_id AND s.day = cell.day
    GROUP BY 1, 2, 3;
END $$;

CREATE FUNCTION recount_refunds(of_companies uuid[], of_days date[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF of_days IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM daily_refunds old
    USING unnest(of_companies, of_days) AS cell (company_id, day)
    WHERE old.company_id = cell.company_id AND old.day = cell.day;
    INSERT INTO daily_refunds
    SELECT cell.company_id, cell.day, r.currency, sum(r.amount_minor)
    FROM unnest(of_companies, of_days) AS cell (company_id, day)
    JOIN companies c ON c.id = cell.company_id
    JOIN refunds r ON r.company_id = cell.company_id AND r.status <> 'failed'
        AND r.created_at >= cell.day::timestamp AT TIME ZONE c.time_zone
        AND r.created_at < (cell.day + 1)::timestamp AT TIME ZONE c.time_zone
    JOIN bookings b ON b.id = r.booking_id     -- a late payment of an expired booking is no sale, and no refund either
    GROUP BY 1, 2, 3;
END $$;

CREATE FUNCTION recount_departures(of_companies uuid[], of_routes uuid[], of_days date[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF of_days IS NULL THEN
        RETURN;
    END IF;
    DELETE FROM daily_departures old
    USING unnest(of_companies, of_routes, of_days) AS cell (company_id, route_id, day)
    WHERE old.company_id = cell.company_id AND old.day = cell.day AND old.route_id = cell.route_id;
    INSERT INTO daily_departures
    SELECT cell.company_id, cell.day, cell.route_id, ran.*
    FROM unnest(of_companies, of_routes, of_days) AS cell (company_id, route_id, day)
    JOIN companies c ON c.id = cell.company_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS departures, sum(l.capacity), sum(taken.legs), sum(taken.passengers), sum(taken.boarded)
        FROM trips t
        JOIN layouts l ON l.id = t.layout_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(k.to_seq - k.from_seq), 0) AS legs, count(*) AS passengers,
                   count(i.ticket_id) AS boarded
            FROM tickets k LEFT JOIN check_ins i ON i.ticket_id = k.id
            WHERE k.trip_id = t.id AND k.status = 'confirmed'
        ) taken
        WHERE t.company_id = cell.company_id AND t.route_id = cell.route_id AND t.status = 'scheduled'
          AND t.departs_at >= cell.day::timestamp AT TIME ZONE c.time_zone
          AND t.departs_at < (cell.day + 1)::timestamp AT TIME ZONE c.time_zone
    ) ran
    WHERE ran.departures > 0;
END $$;

-- Everything of some companies: their time zone has become known, or another one.
CREATE FUNCTION recount_companies(which uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    of_companies uuid[];
    of_routes uuid[];
    of_days date[];
BEGIN
    PERFORM take_turn_to_count();
    DELETE FROM daily_sales WHERE company_id = ANY (which);
    DELETE FROM daily_totals WHERE company_id = ANY (which);
    DELETE FROM daily_refunds WHERE company_id = ANY (which);
    DELETE FROM daily_departures WHERE company_id = ANY (which);

    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days
    FROM (SELECT DISTINCT b.company_id, b.route_id, (b.created_at AT TIME ZONE c.time_zone)::date AS day
          FROM companies c JOIN bookings b ON b.company_id = c.id
          WHERE c.id = ANY (which) AND b.route_id IS NOT NULL) cells;
    PERFORM recount_sales(of_companies, of_routes, of_days);

    SELECT array_agg(company_id), array_agg(day) INTO of_companies, of_days
    FROM (SELECT DISTINCT r.company_id, (r.created_at AT TIME ZONE c.time_zone)::date AS day
          FROM companies c JOIN refunds r ON r.company_id = c.id WHERE c.id = ANY (which)) cells;
    PERFORM recount_refunds(of_companies, of_days);

    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days
    FROM (SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date AS day
          FROM companies c JOIN trips t ON t.company_id = c.id WHERE c.id = ANY (which)) cells;
    PERFORM recount_departures(of_companies, of_routes, of_days);
END $$;

-- After a load with the triggers off.
CREATE FUNCTION recount_everything() RETURNS void LANGUAGE sql AS $$
    SELECT recount_companies(array_agg(id)) FROM companies
$$;

-- which cells a change touches: `told` are the rows as they are now (or were, of rows that are deleted) --------------

CREATE FUNCTION count_bookings_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_companies uuid[];
    of_routes uuid[];
    of_days date[];
BEGIN
    PERFORM take_turn_to_count();
    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days
    FROM (SELECT DISTINCT b.company_id, b.route_id, (b.created_at AT TIME ZONE c.time_zone)::date AS day
          FROM told b JOIN companies c ON c.id = b.company_id WHERE b.route_id IS NOT NULL) cells;
    PERFORM recount_sales(of_companies, of_routes, of_days);

    SELECT array_agg(company_id), array_agg(day) INTO of_companies, of_days
    FROM (SELECT DISTINCT r.company_id, (r.created_at AT TIME ZONE c.time_zone)::date AS day
          FROM told b JOIN refunds r ON r.booking_id = b.id JOIN companies c ON c.id = r.company_id) cells;
    PERFORM recount_refunds(of_companies, of_days);
    RETURN NULL;
END $$;

CREATE FUNCTION count_tickets_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_companies uuid[];
    of_routes uuid[];
    of_days date[];
BEGIN
    PERFORM take_turn_to_count();
    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days
    FROM (SELECT DISTINCT b.company_id, b.route_id, (b.created_at AT TIME ZONE c.time_zone)::date AS day
          FROM (SELECT DISTINCT booking_id FROM told) k
          JOIN bookings b ON b.id = k.booking_id JOIN companies c ON c.id = b.company_id
          WHERE b.route_id IS NOT NULL) cells;
    PERFORM recount_sales(of_companies, of_routes, of_days);

    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days
    FROM (SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date AS day
          FROM (SELECT DISTINCT trip_id FROM told) k
          JOIN trips t ON t.id = k.trip_id JOIN companies c ON c.id = t.company_id) cells;
    PERFORM recount_departures(of_companies, of_routes, of_days);
    RETURN NULL;
END $$;

CREATE FUNCTION count_check_ins_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_companies uuid[];
    of_routes uuid[];
    of_days date[];
BEGIN
    PERFORM take_turn_to_count();
    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days
    FROM (SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date AS day
          FROM (SELECT DISTINCT trip_id FROM told) i
          JOIN trips t ON t.id = i.trip_id JOIN companies c ON c.id = t.company_id) cells;
    PERFORM recount_departures(of_companies, of_routes, of_days);
    RETURN NULL;
END $$;

CREATE FUNCTION count_refunds_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_companies uuid[];
    of_days date[];
BEGIN
    PERFORM take_turn_to_count();
    SELECT array_agg(company_id), array_agg(day) INTO of_companies, of_days
    FROM (SELECT DISTINCT r.company_id, (r.created_at AT TIME ZONE c.time_zone)::date AS day
          FROM told r JOIN companies c ON c.id = r.company_id) cells;
    PERFORM recount_refunds(of_companies, of_days);
    RETURN NULL;
END $$;

CREATE FUNCTION count_trips_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_companies uuid[];
    of_routes uuid[];
    of_days date[];
BEGIN
    PERFORM take_turn_to_count();
    UPDATE bookings b SET route_id = t.route_id FROM told t WHERE b.trip_id = t.id AND b.route_id IS NULL;
    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days
    FROM (SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date AS day
          FROM told t JOIN companies c ON c.id = t.company_id) cells;
    PERFORM recount_departures(of_companies, of_routes, of_days);
    RETURN NULL;
END $$;

CREATE FUNCTION count_layouts_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_companies uuid[];
    of_routes uuid[];
    of_days date[];
BEGIN
    PERFORM take_turn_to_count();
    SELECT array_agg(company_id), array_agg(route_id), array_agg(day) INTO of_companies, of_routes, of_days
    FROM (SELECT DISTINCT t.company_id, t.route_id, (t.departs_at AT TIME ZONE c.time_zone)::date AS day
          FROM told l JOIN trips t ON t.layout_id = l.id JOIN companies c ON c.id = t.company_id) cells;
    PERFORM recount_departures(of_companies, of_routes, of_days);
    RETURN NULL;
END $$;

CREATE FUNCTION count_new_companies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM recount_companies(ARRAY(SELECT id FROM told));
    RETURN NULL;
END $$;

CREATE FUNCTION count_moved_companies() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved uuid[] := ARRAY(SELECT id FROM told JOIN before USING (id) WHERE told.time_zone <> before.time_zone);
BEGIN
    IF cardinality(moved) > 0 THEN
        PERFORM recount_companies(moved);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER bookings_came AFTER INSERT ON bookings REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_bookings_again();
CREATE TRIGGER bookings_changed AFTER UPDATE ON bookings REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_bookings_again();
CREATE TRIGGER bookings_went AFTER DELETE ON bookings REFERENCING OLD TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_bookings_again();

CREATE TRIGGER tickets_came AFTER INSERT ON tickets REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_tickets_again();
CREATE TRIGGER tickets_changed AFTER UPDATE ON tickets REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_tickets_again();
CREATE TRIGGER tickets_went AFTER DELETE ON tickets REFERENCING OLD TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_tickets_again();

CREATE TRIGGER check_ins_came AFTER INSERT ON check_ins REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_check_ins_again();
CREATE TRIGGER check_ins_went AFTER DELETE ON check_ins REFERENCING OLD TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_check_ins_again();

CREATE TRIGGER refunds_came AFTER INSERT ON refunds REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_refunds_again();
CREATE TRIGGER refunds_changed AFTER UPDATE ON refunds REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_refunds_again();
CREATE TRIGGER refunds_went AFTER DELETE ON refunds REFERENCING OLD TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_refunds_again();

CREATE TRIGGER trips_came AFTER INSERT ON trips REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_trips_again();
CREATE TRIGGER trips_changed AFTER UPDATE ON trips REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_trips_again();
CREATE TRIGGER trips_went AFTER DELETE ON trips REFERENCING OLD TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_trips_again();

CREATE TRIGGER layouts_came AFTER INSERT ON layouts REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_layouts_again();
CREATE TRIGGER layouts_changed AFTER UPDATE ON layouts REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_layouts_again();

CREATE TRIGGER companies_came AFTER INSERT ON companies REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_new_companies();
CREATE TRIGGER companies_changed AFTER UPDATE ON companies REFERENCING NEW TABLE AS told OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION count_moved_companies();

-- accounts: one more, or one less, as many as really came or went ---------------------------------------------------

CREATE FUNCTION count_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    many bigint := (SELECT count(*) FROM told);
BEGIN
    IF many > 0 THEN
        UPDATE counted_accounts SET accounts = accounts + CASE TG_OP WHEN 'INSERT' THEN many ELSE -many END;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER accounts_came AFTER INSERT ON accounts REFERENCING NEW TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_accounts();
CREATE TRIGGER accounts_went AFTER DELETE ON accounts REFERENCING OLD TABLE AS told
    FOR EACH STATEMENT EXECUTE FUNCTION count_accounts();

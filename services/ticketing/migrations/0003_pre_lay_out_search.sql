-- What a search and a hold ask of the network and of layouts, laid out so that it is read in one place. Derived by
-- the triggers below from the mirrors, whoever writes those and in whatever order they come; never written otherwise.

CREATE TABLE route_stops (
    route_id       uuid NOT NULL,
    seq            smallint NOT NULL,
    stop_id        uuid NOT NULL,
    arrive_s       integer NOT NULL,       -- seconds after the departure at stop 0
    depart_s       integer NOT NULL,
    fare_sum_minor bigint NOT NULL,        -- of the legs up to here: the fare i→j is a difference of two
    PRIMARY KEY (route_id, seq)
);
CREATE INDEX route_stops_at ON route_stops (stop_id, route_id, seq);                    -- routes that call at a stop

-- For each route and each pair of cities on it the first stop in each.
CREATE TABLE stretches (
    from_place text NOT NULL,
    to_place   text NOT NULL,
    route_id   uuid NOT NULL,
    company_id uuid NOT NULL,
    from_seq   smallint NOT NULL,
    to_seq     smallint NOT NULL,
    depart_s   integer NOT NULL,           -- at the boarding stop, after the departure at stop 0
    duration_s integer NOT NULL,
    sum_from   bigint NOT NULL,            -- fare_sum_minor of both stops
    sum_to     bigint NOT NULL,
    currency   text NOT NULL,
    time_zone  text NOT NULL               -- of the boarding stop: whose day a search is about
);
-- all routes between two cities, from the index alone
CREATE UNIQUE INDEX stretches_between ON stretches (from_place, to_place, route_id)
    INCLUDE (company_id, from_seq, to_seq, depart_s, duration_s, sum_from, sum_to, currency, time_zone);
CREATE INDEX stretches_of_route ON stretches (route_id);                                -- made anew

CREATE FUNCTION lay_out_stretches(route_ids uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM stretches WHERE route_id = ANY(route_ids);
    INSERT INTO stretches
    SELECT DISTINCT ON (f.route_id, fs.place, os.place)
           fs.place, os.place, f.route_id, r.company_id, f.seq, o.seq, f.depart_s, o.arrive_s - f.depart_s,
           f.fare_sum_minor, o.fare_sum_minor, r.currency, fs.time_zone
    FROM route_stops f
    JOIN route_stops o ON o.route_id = f.route_id AND o.seq > f.seq
    JOIN routes r ON r.id = f.route_id
    JOIN stops fs ON fs.id = f.stop_id
    JOIN stops os ON os.id = o.stop_id
    WHERE f.route_id = ANY(route_ids) AND fs.place <> os.place
    ORDER BY f.route_id, fs.place, os.place, f.seq, o.seq;
$$;

CREATE FUNCTION lay_out_routes(route_ids uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM route_stops WHERE route_id = ANY(route_ids);
    INSERT INTO route_stops
    SELECT r.id, c.seq, c.stop_id, c.arrive_s, c.depart_s, c.fare_sum_minor
    FROM routes r
    CROSS JOIN LATERAL jsonb_to_recordset(r.calls)
        AS c (seq smallint, stop_id uuid, arrive_s integer, depart_s integer, fare_sum_minor bigint)
    WHERE r.id = ANY(route_ids);
    SELECT lay_out_stretches(route_ids);
$$;

CREATE FUNCTION routes_are_laid_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM lay_out_routes(ARRAY(
            SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
            WHERE (n.calls, n.currency, n.company_id) IS DISTINCT FROM (o.calls, o.currency, o.company_id)));
    ELSE
        PERFORM lay_out_routes(ARRAY(SELECT id FROM changed));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER routes_are_laid_out_new AFTER INSERT ON routes REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION routes_are_laid_out();
CREATE TRIGGER routes_are_laid_out_anew AFTER UPDATE ON routes
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION routes_are_laid_out();
CREATE TRIGGER routes_are_laid_out_no_more AFTER DELETE ON routes REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION routes_are_laid_out();

-- Places by name: each city once, and each stop of a city once however many companies call there.
CREATE TABLE places (
    id        text PRIMARY KEY,            -- a city's slug, or the id of the first of its stops of this name
    stop_id   uuid NOT NULL,               -- the stop that it is taken from, the first by id: whatever order they came in
    kind      text NOT NULL CHECK (kind IN ('city', 'stop')),
    place     text NOT NULL,
    name      text NOT NULL,
    city      text NOT NULL,
    time_zone text NOT NULL,
    lat       double precision NOT NULL,
    lon       double precision NOT NULL
);
CREATE UNIQUE INDEX places_once ON places (place, lower(name)) WHERE kind = 'stop';
CREATE INDEX places_by_name ON places USING gin ((name || ' ' || city) gin_trgm_ops);   -- places?q=
CREATE INDEX stops_of_place ON stops (place) INCLUDE (city, time_zone);

CREATE FUNCTION name_places(which text[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM places WHERE place = ANY(which);
    INSERT INTO places
    SELECT DISTINCT ON (place) place, id, 'city', place, city, city, time_zone, lat, lon
    FROM stops s WHERE place = ANY(which) ORDER BY place, s.id;
    INSERT INTO places
    SELECT DISTINCT ON (place, lower(name)) id::text, id, 'stop', place, name, city, time_zone, lat, lon
    FROM stops s WHERE place = ANY(which) ORDER BY place, lower(name), s.id;
$$;

CREATE FUNCTION new_stops_are_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO places AS known
    SELECT DISTINCT ON (place) place, id, 'city', place, city, city, time_zone, lat, lon
    FROM changed c ORDER BY place, c.id
    ON CONFLICT (id) DO UPDATE
    SET stop_id = excluded.stop_id, name = excluded.name, city = excluded.city, time_zone = excluded.time_zone,
        lat = excluded.lat, lon = excluded.lon
    WHERE excluded.stop_id < known.stop_id;
    INSERT INTO places AS known
    SELECT DISTINCT ON (place, lower(name)) id::text, id, 'stop', place, name, city, time_zone, lat, lon
    FROM changed c ORDER BY place, lower(name), c.id
    ON CONFLICT (place, lower(name)) WHERE kind = 'stop' DO UPDATE
    SET id = excluded.id, stop_id = excluded.stop_id, name = excluded.name, city = excluded.city,
        time_zone = excluded.time_zone, lat = excluded.lat, lon = excluded.lon
    WHERE excluded.stop_id < known.stop_id;
    -- routes that were heard of before their stops
    PERFORM lay_out_stretches(ARRAY(
        SELECT DISTINCT rs.route_id FROM changed n JOIN route_stops rs ON rs.stop_id = n.id));
    RETURN NULL;
END $$;
CREATE TRIGGER new_stops_are_named AFTER INSERT ON stops REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION new_stops_are_named();

CREATE FUNCTION changed_stops_are_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM name_places(ARRAY(
        SELECT unnest(ARRAY[o.place, n.place])
        FROM old_rows o JOIN new_rows n USING (id)
        WHERE (o.place, o.name, o.city, o.time_zone, o.lat, o.lon)
              IS DISTINCT FROM (n.place, n.name, n.city, n.time_zone, n.lat, n.lon)));
    PERFORM lay_out_stretches(ARRAY(
        SELECT DISTINCT rs.route_id
        FROM new_rows n JOIN old_rows o USING (id) JOIN route_stops rs ON rs.stop_id = n.id
        WHERE (n.place, n.time_zone) IS DISTINCT FROM (o.place, o.time_zone)));
    RETURN NULL;
END $$;
CREATE TRIGGER changed_stops_are_named AFTER UPDATE ON stops
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION changed_stops_are_named();

CREATE FUNCTION gone_stops_are_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM name_places(ARRAY(SELECT DISTINCT place FROM changed));
    RETURN NULL;
END $$;
CREATE TRIGGER gone_stops_are_named AFTER DELETE ON stops REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION gone_stops_are_named();

-- A layout's seats with what they cost in percent of the fare, for a hold; and the least of them, which departures
-- are sorted by before anybody has looked which seats are left. Layouts never change once they are made.
CREATE TABLE layout_seats (
    layout_id    uuid NOT NULL,
    seat         text NOT NULL,
    deck         text NOT NULL,
    seat_class   text NOT NULL,
    fare_percent integer NOT NULL,
    PRIMARY KEY (layout_id, seat)
);
CREATE TABLE layout_fares (
    layout_id     uuid PRIMARY KEY,
    least_percent integer NOT NULL
);

CREATE FUNCTION layouts_are_laid_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO layout_seats
    SELECT n.id, s.seat, s.deck, s.class, c.fare_percent
    FROM changed n
    CROSS JOIN LATERAL jsonb_to_recordset(n.seats) AS s (seat text, deck text, class text)
    CROSS JOIN LATERAL (SELECT each.fare_percent
                        FROM jsonb_to_recordset(n.classes) AS each (code text, fare_percent integer)
                        WHERE each.code = s.class) c
    ON CONFLICT DO NOTHING;
    INSERT INTO layout_fares
    SELECT n.id, min((each ->> 'fare_percent')::integer)
    FROM changed n, jsonb_array_elements(n.classes) each
    GROUP BY n.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER layouts_are_laid_out AFTER INSERT ON layouts REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION layouts_are_laid_out();

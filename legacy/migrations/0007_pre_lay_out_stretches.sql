-- What a search asks of the network and the schedule, laid out so that it is read in one place.

-- For each route and each pair of cities on it the first stop in each: derived from route_stops and stops by
-- the triggers below, whoever writes those, and never written otherwise.
CREATE TABLE stretches (
    from_place text NOT NULL,
    to_place   text NOT NULL,
    route_id   uuid NOT NULL REFERENCES routes,
    company_id uuid NOT NULL REFERENCES companies,
    from_seq   smallint NOT NULL,
    to_seq     smallint NOT NULL,
    depart_s   integer NOT NULL,           -- at the boarding stop, after the departure at stop 0
    duration_s integer NOT NULL,
    sum_from   numeric(10, 2) NOT NULL,    -- fare_sum of both stops
    sum_to     numeric(10, 2) NOT NULL,
    currency   char(3) NOT NULL,
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
           f.fare_sum, o.fare_sum, r.currency, fs.time_zone
    FROM route_stops f
    JOIN route_stops o ON o.route_id = f.route_id AND o.seq > f.seq
    JOIN routes r ON r.id = f.route_id
    JOIN stops fs ON fs.id = f.stop_id
    JOIN stops os ON os.id = o.stop_id
    WHERE f.route_id = ANY(route_ids) AND fs.place <> os.place
    ORDER BY f.route_id, fs.place, os.place, f.seq, o.seq;
$$;

CREATE FUNCTION stretches_follow_new_stops() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lay_out_stretches(ARRAY(SELECT DISTINCT route_id FROM changed));
    RETURN NULL;
END $$;
CREATE TRIGGER stretches_follow_insert AFTER INSERT ON route_stops REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION stretches_follow_new_stops();
CREATE TRIGGER stretches_follow_update AFTER UPDATE ON route_stops REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION stretches_follow_new_stops();
CREATE TRIGGER stretches_follow_delete AFTER DELETE ON route_stops REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION stretches_follow_new_stops();

CREATE FUNCTION stretches_follow_moved_stops() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lay_out_stretches(ARRAY(
        SELECT DISTINCT rs.route_id
        FROM new_stops n JOIN old_stops o USING (id) JOIN route_stops rs ON rs.stop_id = n.id
        WHERE (n.place, n.time_zone) IS DISTINCT FROM (o.place, o.time_zone)));
    RETURN NULL;
END $$;
CREATE TRIGGER stretches_follow_places AFTER UPDATE ON stops
    REFERENCING OLD TABLE AS old_stops NEW TABLE AS new_stops
    FOR EACH STATEMENT EXECUTE FUNCTION stretches_follow_moved_stops();

SELECT lay_out_stretches(ARRAY(SELECT id FROM routes));

-- a route's departures of a day, with all that a search sorts and filters by
DROP INDEX trips_of_route;
CREATE INDEX trips_of_route ON trips (route_id, departs_at) INCLUDE (id, layout_id, delay_min, status);
-- which places there are, and how many stops each has
DROP INDEX stops_of_place;
CREATE INDEX stops_of_place ON stops (place) INCLUDE (city, time_zone);

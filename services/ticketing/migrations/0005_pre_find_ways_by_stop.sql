-- A search between cities reads them from `stretches`; the ways from a stop, or to one, are joined as they are. They are
-- few, and apart: a statement is made ready with all that it might do, which takes as long as doing it. Of several stops
-- of a route in the same city the first counts. `to_stop` is asked for only if `from_stop` is not given.
CREATE FUNCTION ways_by_stop(from_place text, from_stop uuid, to_place text, to_stop uuid)
RETURNS TABLE (route_id uuid, company_id uuid, from_seq smallint, to_seq smallint, depart_s integer, duration_s integer,
               sum_from bigint, sum_to bigint, currency text, time_zone text)
LANGUAGE plpgsql STABLE ROWS 20 AS $$
BEGIN
    IF from_stop IS NOT NULL THEN
        RETURN QUERY
        SELECT DISTINCT ON (f.route_id) f.route_id, r.company_id, f.seq, o.seq, f.depart_s, o.arrive_s - f.depart_s,
               f.fare_sum_minor, o.fare_sum_minor, r.currency, fs.time_zone
        FROM route_stops f
        JOIN stops fs ON fs.id = f.stop_id
        JOIN routes r ON r.id = f.route_id
        JOIN route_stops o ON o.route_id = f.route_id AND o.seq > f.seq
        JOIN stops os ON os.id = o.stop_id AND (os.id = to_stop OR os.place = to_place)
        WHERE f.stop_id = from_stop
        ORDER BY f.route_id, f.seq, o.seq;
    ELSE
        RETURN QUERY
        SELECT DISTINCT ON (f.route_id) f.route_id, r.company_id, f.seq, o.seq, f.depart_s, o.arrive_s - f.depart_s,
               f.fare_sum_minor, o.fare_sum_minor, r.currency, fs.time_zone
        FROM route_stops o
        JOIN routes r ON r.id = o.route_id
        JOIN route_stops f ON f.route_id = o.route_id AND f.seq < o.seq
        JOIN stops fs ON fs.id = f.stop_id AND fs.place = from_place
        WHERE o.stop_id = to_stop
        ORDER BY f.route_id, f.seq, o.seq;
    END IF;
END $$;

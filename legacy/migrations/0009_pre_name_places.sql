-- Places by name: each city once, and each stop of a city once however many companies call there. Derived from
-- stops by the triggers below, whoever writes those, and never written otherwise.
CREATE TABLE places (
    id        text PRIMARY KEY,            -- a city's slug, or the id of one of its stops of this name
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
DROP INDEX stops_by_name;

CREATE FUNCTION places_follow_new_stops() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO places
    SELECT DISTINCT ON (place) place, 'city', place, city, city, time_zone, lat, lon
    FROM changed ORDER BY place, id
    ON CONFLICT DO NOTHING;
    INSERT INTO places
    SELECT DISTINCT ON (place, lower(name)) id::text, 'stop', place, name, city, time_zone, lat, lon
    FROM changed ORDER BY place, lower(name), id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER places_follow_insert AFTER INSERT ON stops REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION places_follow_new_stops();

CREATE FUNCTION name_places(which text[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM places WHERE place = ANY(which);
    INSERT INTO places
    SELECT DISTINCT ON (place) place, 'city', place, city, city, time_zone, lat, lon
    FROM stops WHERE place = ANY(which) ORDER BY place, id
    ON CONFLICT DO NOTHING;
    INSERT INTO places
    SELECT DISTINCT ON (place, lower(name)) id::text, 'stop', place, name, city, time_zone, lat, lon
    FROM stops WHERE place = ANY(which) ORDER BY place, lower(name), id
    ON CONFLICT DO NOTHING;
$$;

CREATE FUNCTION places_follow_changed_stops() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM name_places(ARRAY(
        SELECT unnest(ARRAY[o.place, n.place])
        FROM old_stops o FULL JOIN new_stops n USING (id)
        WHERE (o.place, o.name, o.city, o.time_zone, o.lat, o.lon)
              IS DISTINCT FROM (n.place, n.name, n.city, n.time_zone, n.lat, n.lon)));
    RETURN NULL;
END $$;
CREATE TRIGGER places_follow_update AFTER UPDATE ON stops
    REFERENCING OLD TABLE AS old_stops NEW TABLE AS new_stops
    FOR EACH STATEMENT EXECUTE FUNCTION places_follow_changed_stops();

CREATE FUNCTION places_follow_gone_stops() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM name_places(ARRAY(SELECT DISTINCT place FROM changed));
    RETURN NULL;
END $$;
CREATE TRIGGER places_follow_delete AFTER DELETE ON stops REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION places_follow_gone_stops();

SELECT name_places(ARRAY(SELECT DISTINCT place FROM stops));

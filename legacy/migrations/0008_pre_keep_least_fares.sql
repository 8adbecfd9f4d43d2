-- The least that a seat of a layout costs, in percent of the fare: what departures are sorted by before anybody
-- has looked which seats are left. Layouts never change, so each is looked at once, when it is made.
CREATE TABLE layout_fares (
    layout_id     uuid PRIMARY KEY REFERENCES layouts,
    least_percent integer NOT NULL
);

CREATE FUNCTION layout_fares_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO layout_fares
    SELECT n.id, min((each ->> 'fare_percent')::integer)
    FROM changed n, jsonb_array_elements(n.classes) each
    GROUP BY n.id
    ON CONFLICT (layout_id) DO UPDATE SET least_percent = excluded.least_percent;
    RETURN NULL;
END $$;
CREATE TRIGGER layout_fares_follow_insert AFTER INSERT ON layouts REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION layout_fares_follow();
CREATE TRIGGER layout_fares_follow_update AFTER UPDATE ON layouts REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION layout_fares_follow();

INSERT INTO layout_fares
SELECT l.id, min((each ->> 'fare_percent')::integer)
FROM layouts l, jsonb_array_elements(l.classes) each
GROUP BY l.id;

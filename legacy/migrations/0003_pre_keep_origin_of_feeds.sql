-- What a later import of the same feed needs to know again what it imported before.

ALTER TABLE routes
    ADD COLUMN gtfs_route_id text,         -- the feed's route, of which this one is a pattern of stops
    ADD COLUMN gtfs_pattern  text;         -- a hash of its stops, offsets and fares; null once changed by hand
CREATE UNIQUE INDEX routes_of_pattern ON routes (company_id, gtfs_pattern) WHERE gtfs_pattern IS NOT NULL;

ALTER TABLE timetables
    ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC',      -- the agency's, in which service days are counted
    ADD COLUMN withdrawn boolean NOT NULL DEFAULT false;   -- no more in the feed; its departures stay
ALTER TABLE timetables ALTER COLUMN time_zone DROP DEFAULT;
CREATE INDEX timetables_of_route ON timetables (route_id);                              -- routes that nothing uses

CREATE INDEX gtfs_imports_running ON gtfs_imports (company_id) WHERE status = 'running';

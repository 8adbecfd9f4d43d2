-- Companies and what they run: fleet, drivers, network and schedule; and what is known here of others' things.
-- Money is bigint in minor units. Extensions (btree_gist) are created by the database's owner beforehand.

-- companies ---------------------------------------------------------------------------------------------------

CREATE TABLE companies (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    slug          text NOT NULL UNIQUE,
    contact_email text NOT NULL,
    contact_phone text,
    time_zone     text NOT NULL,
    currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    refund_policy jsonb NOT NULL,          -- {"steps": [{"hours_before": 24, "percent": 90}, …]}, falling
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- fleet -------------------------------------------------------------------------------------------------------

CREATE TABLE layouts (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies,
    name       text NOT NULL,
    decks      jsonb NOT NULL,             -- [{"deck": "lower", "rows": 10, "columns": 5}, …]
    classes    jsonb NOT NULL,             -- [{"code": "seater", "name": "Seater", "fare_percent": 100}, …]
    seats      jsonb NOT NULL,             -- [{"seat": "A1", "deck": …, "row": …, "column": …, "class": …}, …]
    capacity   smallint NOT NULL CHECK (capacity > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX layouts_of_company ON layouts (company_id, id);                            -- lists

CREATE TABLE buses (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies,
    plate      text NOT NULL UNIQUE,
    name       text,
    layout_id  uuid NOT NULL REFERENCES layouts,
    status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX buses_of_company ON buses (company_id, id);                                -- lists

CREATE TABLE drivers (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies,
    name       text NOT NULL,
    phone      text,
    licence    text NOT NULL UNIQUE,
    user_id    uuid,                       -- the account that the driver signs in with
    status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX drivers_of_company ON drivers (company_id, id);                            -- lists

-- network -----------------------------------------------------------------------------------------------------

CREATE TABLE stops (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies,
    code       text,                       -- a feed's stop_id
    name       text NOT NULL,
    city       text NOT NULL,
    place      text NOT NULL,              -- the city's slug: what a search names
    lat        double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    lon        double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    time_zone  text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, code)
);
CREATE INDEX stops_of_company ON stops (company_id, id);                                -- lists

-- A route is one row, so that a change of it is one event: its calls are within it.
CREATE TABLE routes (
    id            uuid PRIMARY KEY,
    company_id    uuid NOT NULL REFERENCES companies,
    code          text,
    name          text NOT NULL,
    distance_km   integer,
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
    currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- [{"seq": 0, "stop_id": …, "arrive_s": 0, "depart_s": 0, "leg_fare_minor": 0, "fare_sum_minor": 0}, …]:
    -- seconds after the departure at stop 0; the fare i→j is a difference of two sums
    calls         jsonb NOT NULL CHECK (jsonb_array_length(calls) >= 2),
    gtfs_route_id text,                    -- the feed's route, of which this one is a pattern of stops
    gtfs_pattern  text,                    -- a hash of its stops, offsets and fares; null once changed by hand
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX routes_of_company ON routes (company_id, id);                              -- lists
CREATE UNIQUE INDEX routes_of_pattern ON routes (company_id, gtfs_pattern) WHERE gtfs_pattern IS NOT NULL;

-- A feed's trips and their days of service; departures are made from them.
CREATE TABLE calendars (
    company_id uuid NOT NULL REFERENCES companies,
    service_id text NOT NULL,
    weekdays   smallint[] NOT NULL,        -- ISO 1–7
    start_date date NOT NULL,
    end_date   date NOT NULL,
    added      date[] NOT NULL DEFAULT '{}',
    removed    date[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (company_id, service_id)
);

CREATE TABLE timetables (
    id           uuid PRIMARY KEY,
    company_id   uuid NOT NULL REFERENCES companies,
    gtfs_trip_id text NOT NULL,
    route_id     uuid NOT NULL REFERENCES routes,
    service_id   text NOT NULL,
    headsign     text,
    start_s      integer NOT NULL,         -- seconds from noon minus 12 h of the service day; may pass 86,400
    time_zone    text NOT NULL,            -- the agency's, in which service days are counted
    withdrawn    boolean NOT NULL DEFAULT false,   -- no more in the feed; its departures stay
    UNIQUE (company_id, gtfs_trip_id),
    FOREIGN KEY (company_id, service_id) REFERENCES calendars
);
CREATE INDEX timetables_of_company ON timetables (company_id, id) WHERE NOT withdrawn;  -- lists, publishing
CREATE INDEX timetables_of_service ON timetables (company_id, service_id);              -- calendars that nothing uses
CREATE INDEX timetables_of_route ON timetables (route_id);                              -- routes that nothing uses

CREATE TABLE gtfs_imports (
    id          uuid PRIMARY KEY,
    company_id  uuid NOT NULL REFERENCES companies,
    file_name   text,
    status      text NOT NULL CHECK (status IN ('running', 'succeeded', 'failed')),
    done        integer NOT NULL DEFAULT 0,
    total       integer NOT NULL DEFAULT 0,
    counts      jsonb,
    problem     text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX gtfs_imports_of_company ON gtfs_imports (company_id, id);                  -- lists
CREATE INDEX gtfs_imports_running ON gtfs_imports (company_id) WHERE status = 'running';

-- schedule ----------------------------------------------------------------------------------------------------

CREATE TABLE trips (
    id            uuid PRIMARY KEY,
    company_id    uuid NOT NULL REFERENCES companies,
    route_id      uuid NOT NULL REFERENCES routes,
    layout_id     uuid NOT NULL REFERENCES layouts,
    bus_id        uuid REFERENCES buses,
    driver_id     uuid REFERENCES drivers,
    timetable_id  uuid REFERENCES timetables,
    service_date  date NOT NULL,
    departs_at    timestamptz NOT NULL,    -- scheduled, at stop 0
    arrives_at    timestamptz NOT NULL,    -- scheduled, at the last stop
    delay_min     integer NOT NULL DEFAULT 0 CHECK (delay_min BETWEEN 0 AND 1440),
    busy          tstzrange NOT NULL,      -- departure to arrival plus delay: when bus and driver are taken
    status        text NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'cancelled')),
    cancel_reason text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    -- what makes it impossible that a bus or a driver is on two departures at once
    CONSTRAINT trips_bus_busy EXCLUDE USING gist (bus_id WITH =, busy WITH &&)
        WHERE (bus_id IS NOT NULL AND status = 'scheduled'),
    CONSTRAINT trips_driver_busy EXCLUDE USING gist (driver_id WITH =, busy WITH &&)
        WHERE (driver_id IS NOT NULL AND status = 'scheduled')
);
CREATE INDEX trips_of_company ON trips (company_id, departs_at, id) INCLUDE (status);   -- the operator's schedule
CREATE INDEX trips_of_route ON trips (route_id, departs_at);                            -- … of one route; is it in use?
CREATE UNIQUE INDEX trips_of_timetable ON trips (timetable_id, service_date) WHERE timetable_id IS NOT NULL;

-- what is known of others' things: projections of their events, never written otherwise --------------------------
-- source_seq is the event's number at its source; 0 for what was read from the owner before its event came.

-- Accounts that work, or have worked, for a company.
CREATE TABLE users (
    id          uuid PRIMARY KEY,
    company_id  uuid,                      -- null: works for none any more
    role        text NOT NULL,
    status      text NOT NULL,
    email       text NOT NULL,
    full_name   text NOT NULL,
    source_seq  bigint NOT NULL,
    profile_seq bigint NOT NULL DEFAULT -1 -- of the profile that full_name is from, if it is from one
);
CREATE INDEX users_of_company ON users (company_id) WHERE company_id IS NOT NULL;       -- staff to choose from

CREATE TABLE tickets (
    id             uuid PRIMARY KEY,
    trip_id        uuid NOT NULL,
    company_id     uuid NOT NULL,
    seat           text NOT NULL,
    passenger_name text NOT NULL,
    status         text NOT NULL,          -- confirmed, cancelled or expired: what is held is ticketing's alone
    source_seq     bigint NOT NULL
);
CREATE INDEX tickets_confirmed ON tickets (trip_id) INCLUDE (seat) WHERE status = 'confirmed';   -- sold seats

CREATE TABLE check_ins (
    id         uuid PRIMARY KEY,
    ticket_id  uuid NOT NULL,
    trip_id    uuid NOT NULL,
    scanned_at timestamptz NOT NULL,
    scanned_by uuid,
    source_seq bigint NOT NULL
);
CREATE INDEX check_ins_of_trip ON check_ins (trip_id, scanned_at DESC) INCLUDE (ticket_id);      -- who is on board

-- what others hear of ---------------------------------------------------------------------------------------------

SELECT banyan.capture('companies', 'companies');
SELECT banyan.capture('layouts', 'fleet');
SELECT banyan.capture('buses', 'fleet');
SELECT banyan.capture('drivers', 'drivers');
SELECT banyan.capture('stops', 'network');
SELECT banyan.capture('routes', 'network');
SELECT banyan.capture('trips', 'schedule');

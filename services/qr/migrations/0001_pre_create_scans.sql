-- Scans are this service's own. All else is a mirror of what others own, filled by their events: a row is overwritten
-- by a later event alone (source_seq), and refers to no other, since a child's event may come before its parent's.

-- What some scanner saw. Whoever was let on is recorded; the first of a ticket is its check-in, the others are
-- duplicates, which only offline scanners make.
CREATE TABLE scans (
    id          uuid PRIMARY KEY,
    ticket_id   uuid,                      -- null when the code named none that the scanning user may know of
    trip_id     uuid NOT NULL,             -- where it was scanned
    company_id  uuid NOT NULL,             -- whose departure that is
    nonce       text NOT NULL,
    result      text NOT NULL,             -- a verdict's reason
    recorded    boolean NOT NULL,          -- the passenger was let on: ok, or a duplicate seen offline
    duplicate   boolean NOT NULL DEFAULT false,
    offline     boolean NOT NULL DEFAULT false,
    stop_seq    smallint,
    device_id   text,
    scanned_by  uuid NOT NULL,
    scanned_at  timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT scans_nonce UNIQUE (scanned_by, nonce)                                   -- a scan sent again
);
CREATE UNIQUE INDEX scans_first ON scans (ticket_id) WHERE recorded AND NOT duplicate;  -- one check-in per ticket
CREATE INDEX scans_of_trip ON scans (trip_id, id) WHERE recorded;                       -- who boarded

SELECT banyan.capture('scans', 'checkins');

-- mirrors -----------------------------------------------------------------------------------------------------

-- Of ticketing. A held ticket is only here when somebody asked for it.
CREATE TABLE tickets (
    id             uuid PRIMARY KEY,
    booking_id     uuid NOT NULL,
    trip_id        uuid NOT NULL,
    company_id     uuid NOT NULL,
    user_id        uuid,                   -- null while it is not known whose it is: read through by staff
    seat           text NOT NULL,
    deck           text NOT NULL,
    from_seq       smallint NOT NULL,
    to_seq         smallint NOT NULL,
    passenger_name text NOT NULL,
    status         text NOT NULL,
    qr_serial      smallint NOT NULL,
    source_seq     bigint NOT NULL
);
CREATE INDEX tickets_of_trip ON tickets (trip_id);                                      -- the offline list
CREATE INDEX tickets_of_booking ON tickets (booking_id);                                -- who travels together

CREATE TABLE bookings (
    id         uuid PRIMARY KEY,
    reference  text NOT NULL,
    user_id    uuid,
    company_id uuid NOT NULL,
    journey    jsonb NOT NULL,             -- names and scheduled times as they were sold
    source_seq bigint NOT NULL
);

-- Of company.
CREATE TABLE trips (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    route_id   uuid NOT NULL,
    bus_id     uuid,
    departs_at timestamptz NOT NULL,       -- scheduled, at stop 0
    arrives_at timestamptz NOT NULL,       -- scheduled, at the last stop
    delay_min  integer NOT NULL,
    status     text NOT NULL,
    source_seq bigint NOT NULL
);
CREATE INDEX trips_of_company ON trips (company_id, departs_at, id);                    -- what there is to scan
CREATE INDEX trips_by_departure ON trips (departs_at, id);                              -- the same, for admins

CREATE TABLE routes (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    calls      jsonb NOT NULL,             -- [{"seq", "stop_id", "arrive_s", "depart_s", …}], by seq from 0
    removed    boolean NOT NULL DEFAULT false,   -- kept, so that an older event does not bring it back
    source_seq bigint NOT NULL
);

CREATE TABLE stops (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    city       text NOT NULL,
    time_zone  text NOT NULL,
    removed    boolean NOT NULL DEFAULT false,
    source_seq bigint NOT NULL
);

CREATE TABLE buses (
    id         uuid PRIMARY KEY,
    plate      text NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE companies (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    time_zone  text NOT NULL,
    source_seq bigint NOT NULL
);

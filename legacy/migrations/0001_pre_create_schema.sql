-- The monolith's one schema. Domains lean on each other by foreign keys; money is numeric(10,2);
-- the profile sits beside the password, the scan beside the seat. Extensions (btree_gist, citext, pg_trgm)
-- are created by the database's owner before the first migration.

-- companies ---------------------------------------------------------------------------------------------------

CREATE TABLE companies (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    slug          text NOT NULL UNIQUE,
    contact_email text NOT NULL,
    contact_phone text,
    time_zone     text NOT NULL,
    currency      char(3) NOT NULL,
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    refund_policy jsonb NOT NULL,          -- {"steps": [{"hours_before": 24, "percent": 90}, …]}, falling
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- accounts and profiles ---------------------------------------------------------------------------------------

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         citext NOT NULL UNIQUE,
    password_hash text NOT NULL,
    role          text NOT NULL DEFAULT 'passenger'
                  CHECK (role IN ('passenger', 'operator', 'inspector', 'driver', 'admin')),
    company_id    uuid REFERENCES companies,
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    full_name     text NOT NULL,
    phone         text,
    locale        text NOT NULL DEFAULT 'en' CHECK (locale IN ('en', 'hi')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CHECK ((role IN ('operator', 'inspector', 'driver')) = (company_id IS NOT NULL))
);
CREATE INDEX users_of_company ON users (company_id, id) WHERE company_id IS NOT NULL;   -- a company's staff

CREATE TABLE travellers (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users,
    name       text NOT NULL,
    age        smallint CHECK (age BETWEEN 0 AND 120),
    gender     text CHECK (gender IN ('female', 'male', 'other')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX travellers_of_user ON travellers (user_id, id);

-- One row per refresh token; a family is a session. A token's successor is derived from it, so the
-- plaintext is never stored.
CREATE TABLE refresh_tokens (
    id                 uuid PRIMARY KEY,
    family_id          uuid NOT NULL,
    user_id            uuid NOT NULL REFERENCES users,
    token_hash         bytea NOT NULL UNIQUE,
    session_started_at timestamptz NOT NULL,
    issued_at          timestamptz NOT NULL DEFAULT now(),
    expires_at         timestamptz NOT NULL,
    used_at            timestamptz,
    revoked_at         timestamptz,
    user_agent         text,
    address            text
);
CREATE INDEX refresh_tokens_of_family ON refresh_tokens (family_id);                    -- revoking a family
CREATE INDEX refresh_tokens_live ON refresh_tokens (user_id) WHERE used_at IS NULL AND revoked_at IS NULL;

CREATE TABLE password_resets (
    token_hash bytea PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

-- Failed logins within the last quarter of an hour, per account and per address.
CREATE TABLE login_failures (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL,                 -- the e-mail address in lower case, known or not
    address text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_failures_by_account ON login_failures (account, at);
CREATE INDEX login_failures_by_address ON login_failures (address, at);

-- Mail that waits to be sent: written in the transaction that causes it, sent by a sweep.
CREATE TABLE mails (
    id         uuid PRIMARY KEY,
    recipient  text NOT NULL,
    subject    text NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    attempts   smallint NOT NULL DEFAULT 0,
    next_at    timestamptz NOT NULL DEFAULT now(),
    last_error text
);
CREATE INDEX mails_waiting ON mails (next_at) WHERE sent_at IS NULL;

-- fleet -------------------------------------------------------------------------------------------------------

CREATE TABLE layouts (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies,
    name       text NOT NULL,
    decks      jsonb NOT NULL,             -- [{"deck": "lower", "rows": 10, "columns": 5}, …]
    classes    jsonb NOT NULL,             -- [{"code": "seater", "name": "Seater", "fare_percent": 100}, …]
    seats      jsonb NOT NULL,             -- [{"seat": "A1", "deck": …, "row": …, "column": …, "class": …}, …]
    capacity   smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX layouts_of_company ON layouts (company_id, id);

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
CREATE INDEX buses_of_company ON buses (company_id, id);

CREATE TABLE drivers (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies,
    name       text NOT NULL,
    phone      text,
    licence    text NOT NULL UNIQUE,
    user_id    uuid REFERENCES users,
    status     text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX drivers_of_company ON drivers (company_id, id);

-- network -----------------------------------------------------------------------------------------------------

CREATE TABLE stops (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL REFERENCES companies,
    code       text,
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
CREATE INDEX stops_of_place ON stops (place);                                           -- search by city
CREATE INDEX stops_by_name ON stops USING gin ((name || ' ' || city) gin_trgm_ops);     -- places?q=

CREATE TABLE routes (
    id          uuid PRIMARY KEY,
    company_id  uuid NOT NULL REFERENCES companies,
    code        text,
    name        text NOT NULL,
    distance_km integer,
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
    currency    char(3) NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX routes_of_company ON routes (company_id, id);

CREATE TABLE route_stops (
    route_id uuid NOT NULL REFERENCES routes,
    seq      smallint NOT NULL CHECK (seq >= 0),
    stop_id  uuid NOT NULL REFERENCES stops,
    arrive_s integer NOT NULL,             -- seconds after the departure at stop 0
    depart_s integer NOT NULL CHECK (depart_s >= arrive_s),
    leg_fare numeric(10, 2) NOT NULL CHECK (leg_fare >= 0),   -- from the stop before; 0 at stop 0
    fare_sum numeric(10, 2) NOT NULL,      -- of the legs up to here: the fare i→j is a difference of two
    PRIMARY KEY (route_id, seq)
);
CREATE INDEX route_stops_at ON route_stops (stop_id, route_id, seq);                    -- routes that call at a stop

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
    UNIQUE (company_id, gtfs_trip_id),
    FOREIGN KEY (company_id, service_id) REFERENCES calendars
);
CREATE INDEX timetables_of_service ON timetables (company_id, service_id);

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
CREATE INDEX gtfs_imports_of_company ON gtfs_imports (company_id, id);

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
    CONSTRAINT trips_bus_busy EXCLUDE USING gist (bus_id WITH =, busy WITH &&)
        WHERE (bus_id IS NOT NULL AND status = 'scheduled'),
    CONSTRAINT trips_driver_busy EXCLUDE USING gist (driver_id WITH =, busy WITH &&)
        WHERE (driver_id IS NOT NULL AND status = 'scheduled')
);
CREATE INDEX trips_of_route ON trips (route_id, departs_at);                            -- search
CREATE INDEX trips_of_company ON trips (company_id, departs_at, id);                    -- the operator's schedule
CREATE UNIQUE INDEX trips_of_timetable ON trips (timetable_id, service_date) WHERE timetable_id IS NOT NULL;

-- bookings ----------------------------------------------------------------------------------------------------

CREATE TABLE bookings (
    id            uuid PRIMARY KEY,
    reference     text NOT NULL UNIQUE,
    user_id       uuid NOT NULL REFERENCES users,
    trip_id       uuid NOT NULL REFERENCES trips,
    company_id    uuid NOT NULL REFERENCES companies,
    from_seq      smallint NOT NULL,
    to_seq        smallint NOT NULL CHECK (to_seq > from_seq),
    status        text NOT NULL CHECK (status IN ('held', 'confirmed', 'cancelled', 'expired')),
    total         numeric(10, 2) NOT NULL CHECK (total >= 0),
    currency      char(3) NOT NULL,
    refund_due    numeric(10, 2) NOT NULL DEFAULT 0,   -- what the passenger is owed; the payments sweep pays it
    refund_reason text,
    payment_id    uuid,                    -- the payment that this booking has been settled with
    contact_email text NOT NULL,
    contact_phone text,
    expires_at    timestamptz NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bookings_of_user ON bookings (user_id, id DESC);
CREATE INDEX bookings_of_trip ON bookings (trip_id);
CREATE INDEX bookings_of_company ON bookings (company_id, created_at);                  -- the company's dashboard
CREATE INDEX bookings_held ON bookings (expires_at) WHERE status = 'held';              -- the expiry sweep
CREATE INDEX bookings_refunding ON bookings (id) WHERE refund_due > 0;                  -- the refund sweep

CREATE TABLE tickets (
    id             uuid PRIMARY KEY,
    booking_id     uuid NOT NULL REFERENCES bookings,
    trip_id        uuid NOT NULL REFERENCES trips,
    seat           text NOT NULL,
    seat_class     text NOT NULL,
    deck           text NOT NULL,
    from_seq       smallint NOT NULL,
    to_seq         smallint NOT NULL,
    passenger_name text NOT NULL,
    passenger_age  smallint,
    passenger_gender text,
    price          numeric(10, 2) NOT NULL,
    refund_due     numeric(10, 2) NOT NULL DEFAULT 0,
    status         text NOT NULL CHECK (status IN ('held', 'confirmed', 'cancelled', 'expired')),
    qr_serial      smallint NOT NULL DEFAULT 0,
    qr_code        text,                   -- the signed token, made when the ticket is confirmed or reissued
    scanned_at     timestamptz,
    scanned_by     uuid REFERENCES users,
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tickets_of_booking ON tickets (booking_id);
CREATE INDEX tickets_of_trip ON tickets (trip_id);                                      -- manifest, offline list

-- A seat on a stretch of a trip. The constraint is what makes selling it twice impossible.
CREATE TABLE seat_claims (
    ticket_id  uuid PRIMARY KEY REFERENCES tickets DEFERRABLE INITIALLY DEFERRED,
    booking_id uuid NOT NULL,
    trip_id    uuid NOT NULL REFERENCES trips,
    seat       text NOT NULL,
    segment    int4range NOT NULL,         -- [from_seq, to_seq)
    status     text NOT NULL CHECK (status IN ('held', 'confirmed', 'cancelled', 'expired')),
    expires_at timestamptz NOT NULL,
    CONSTRAINT seat_claims_once EXCLUDE USING gist (trip_id WITH =, seat WITH =, segment WITH &&)
        WHERE (status IN ('held', 'confirmed'))
);
CREATE INDEX seat_claims_of_trip ON seat_claims (trip_id) INCLUDE (seat, segment, status, expires_at)
    WHERE status IN ('held', 'confirmed');                                              -- seat map, seats left
CREATE INDEX seat_claims_of_booking ON seat_claims (booking_id);

CREATE TABLE refund_offers (
    id         uuid PRIMARY KEY,
    booking_id uuid NOT NULL REFERENCES bookings,
    ticket_ids uuid[] NOT NULL,
    percent    smallint NOT NULL,
    amount     numeric(10, 2) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX refund_offers_of_booking ON refund_offers (booking_id);

CREATE TABLE waitlist (
    id          uuid PRIMARY KEY,
    trip_id     uuid NOT NULL REFERENCES trips,
    user_id     uuid NOT NULL REFERENCES users,
    from_seq    smallint NOT NULL,
    to_seq      smallint NOT NULL CHECK (to_seq > from_seq),
    seats       smallint NOT NULL CHECK (seats BETWEEN 1 AND 6),
    status      text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'notified', 'cancelled')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    notified_at timestamptz
);
CREATE UNIQUE INDEX waitlist_once ON waitlist (trip_id, user_id) WHERE status = 'waiting';
CREATE INDEX waitlist_of_user ON waitlist (user_id, id);

-- check-ins ---------------------------------------------------------------------------------------------------

CREATE TABLE scans (
    id          uuid PRIMARY KEY,
    ticket_id   uuid REFERENCES tickets,   -- null when the code named none that we know
    trip_id     uuid NOT NULL REFERENCES trips,
    nonce       text NOT NULL,
    result      text NOT NULL,             -- a verdict's reason
    recorded    boolean NOT NULL,          -- the passenger was let on: ok, or a duplicate seen offline
    duplicate   boolean NOT NULL DEFAULT false,
    offline     boolean NOT NULL DEFAULT false,
    stop_seq    smallint,
    device_id   text,
    scanned_by  uuid NOT NULL REFERENCES users,
    scanned_at  timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (scanned_by, nonce)
);
CREATE UNIQUE INDEX scans_first ON scans (ticket_id) WHERE recorded AND NOT duplicate;  -- one check-in per ticket
CREATE INDEX scans_of_trip ON scans (trip_id, id);

-- Codes that are good no more though their signature is: cancelled or reissued.
CREATE TABLE revoked_codes (
    ticket_id  uuid NOT NULL REFERENCES tickets,
    serial     smallint NOT NULL,
    trip_id    uuid NOT NULL REFERENCES trips,
    revoked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (ticket_id, serial)
);
CREATE INDEX revoked_codes_of_trip ON revoked_codes (trip_id);

-- payments ----------------------------------------------------------------------------------------------------

CREATE TABLE payments (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL REFERENCES bookings,
    user_id      uuid NOT NULL REFERENCES users,
    company_id   uuid NOT NULL REFERENCES companies,
    provider     text NOT NULL,
    status       text NOT NULL CHECK (status IN ('requires_method', 'processing', 'succeeded', 'failed', 'cancelled')),
    amount       numeric(10, 2) NOT NULL CHECK (amount > 0),
    currency     char(3) NOT NULL,
    provider_ref text,
    next_action  text CHECK (next_action IN ('challenge')),
    card_brand   text,
    card_last4   text,
    failure_code text,
    failure      text,
    attempted_at timestamptz,              -- when the provider was asked
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX payments_open_once ON payments (booking_id)
    WHERE status IN ('requires_method', 'processing', 'succeeded');
CREATE INDEX payments_of_booking ON payments (booking_id);
CREATE INDEX payments_processing ON payments (attempted_at) WHERE status = 'processing';  -- the provider is asked again
CREATE INDEX payments_succeeded ON payments (updated_at) WHERE status = 'succeeded';      -- the confirmation sweep
CREATE INDEX payments_idle ON payments (created_at) WHERE status = 'requires_method';     -- closed after a day

CREATE TABLE refunds (
    id           uuid PRIMARY KEY,
    payment_id   uuid NOT NULL REFERENCES payments,
    amount       numeric(10, 2) NOT NULL CHECK (amount > 0),
    status       text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    reason       text NOT NULL,
    booking_due  boolean NOT NULL DEFAULT false,   -- pays what a booking is owed, rather than an operator's goodwill
    provider_ref text,
    attempted_at timestamptz,
    failure_code text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refunds_of_payment ON refunds (payment_id);
CREATE INDEX refunds_pending ON refunds (attempted_at) WHERE status = 'pending';

-- What providers told us, as it came: answered first, worked on after.
CREATE TABLE webhook_events (
    provider    text NOT NULL,
    event_id    text NOT NULL,
    payload     jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    worked_at   timestamptz,
    attempts    smallint NOT NULL DEFAULT 0,
    last_error  text,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX webhook_events_waiting ON webhook_events (received_at) WHERE worked_at IS NULL;

-- Double entry: one immutable row per transfer; a correction is a row the other way.
CREATE TABLE ledger (
    id         uuid PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    debit      text NOT NULL,
    credit     text NOT NULL CHECK (credit <> debit),
    amount     numeric(10, 2) NOT NULL CHECK (amount > 0),
    currency   char(3) NOT NULL,
    payment_id uuid NOT NULL REFERENCES payments,
    refund_id  uuid REFERENCES refunds,
    reverses   uuid REFERENCES ledger,
    memo       text NOT NULL
);
CREATE UNIQUE INDEX ledger_capture_once ON ledger (payment_id) WHERE refund_id IS NULL AND reverses IS NULL;
CREATE UNIQUE INDEX ledger_refund_once ON ledger (refund_id) WHERE refund_id IS NOT NULL AND reverses IS NULL;
CREATE INDEX ledger_by_debit ON ledger (debit, currency);
CREATE INDEX ledger_by_credit ON ledger (credit, currency);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed; write a reversal', TG_TABLE_NAME USING ERRCODE = '55000';
END $$;
CREATE TRIGGER ledger_is_immutable BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_is_not_emptied BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

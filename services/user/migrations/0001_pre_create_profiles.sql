-- Profiles and travellers, and what others tell of the things that the dashboards count.

CREATE TABLE profiles (
    user_id    uuid PRIMARY KEY,
    full_name  text NOT NULL,
    phone      text,
    locale     text NOT NULL DEFAULT 'en' CHECK (locale IN ('en', 'hi')),
    updated_at timestamptz NOT NULL DEFAULT now()
);
SELECT banyan.capture('profiles', 'profiles', 'user_id');

CREATE TABLE travellers (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES profiles,
    name       text NOT NULL,
    age        smallint CHECK (age BETWEEN 0 AND 120),
    gender     text CHECK (gender IN ('female', 'male', 'other')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX travellers_of_user ON travellers (user_id, id);                            -- the list; the room for twenty
SELECT banyan.capture('travellers', 'profiles');

-- What others own: kept from their events, each row as the event with the highest source_seq told it; 0 is what was
-- read of its owner. Nothing here refers to anything by a foreign key: a child may be heard of before its parent.

CREATE TABLE accounts (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    role       text NOT NULL,
    status     text NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE companies (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    time_zone  text NOT NULL,
    currency   text NOT NULL,
    status     text NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE layouts (
    id         uuid PRIMARY KEY,
    capacity   smallint NOT NULL,
    source_seq bigint NOT NULL
);

-- A stop or route that was removed stays as a row without a name, so that older news of it come to nothing.
CREATE TABLE stops (
    id         uuid PRIMARY KEY,
    name       text,
    city       text,
    time_zone  text,
    source_seq bigint NOT NULL
);

CREATE TABLE routes (
    id         uuid PRIMARY KEY,
    company_id uuid,
    name       text,
    calls      jsonb,                      -- by seq from 0: {"stop_id", "arrive_s", "depart_s", …}
    source_seq bigint NOT NULL
);

CREATE TABLE trips (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    route_id   uuid NOT NULL,
    layout_id  uuid NOT NULL,
    departs_at timestamptz NOT NULL,       -- scheduled, at stop 0
    delay_min  integer NOT NULL,
    status     text NOT NULL,
    source_seq bigint NOT NULL
);
CREATE INDEX trips_of_route ON trips (company_id, route_id, departs_at);                -- a day of a route
CREATE INDEX trips_of_layout ON trips (layout_id);                                      -- a layout that comes late

-- Those that were confirmed once, or cancelled; who holds seats has no sale and no journey yet.
CREATE TABLE bookings (
    id               uuid PRIMARY KEY,
    reference        text NOT NULL,
    user_id          uuid NOT NULL,
    trip_id          uuid NOT NULL,
    company_id       uuid NOT NULL,
    route_id         uuid,                 -- its trip's: of the journey as it was sold, else once the trip is heard of
    from_seq         smallint NOT NULL,
    to_seq           smallint NOT NULL,
    status           text NOT NULL CHECK (status IN ('confirmed', 'cancelled')),
    total_minor      bigint NOT NULL,
    refund_due_minor bigint NOT NULL,
    currency         text NOT NULL,
    payment_id       uuid,
    journey          jsonb,                -- as it was sold, for as long as the trip, route or stops are not heard of
    created_at       timestamptz NOT NULL,
    source_seq       bigint NOT NULL
);
CREATE INDEX bookings_of_user ON bookings (user_id);                                    -- the passenger's dashboard
CREATE INDEX bookings_of_route ON bookings (company_id, route_id, created_at);          -- a day of a route
CREATE INDEX bookings_without_route ON bookings (trip_id) WHERE route_id IS NULL;       -- a trip that comes late

CREATE TABLE tickets (
    id         uuid PRIMARY KEY,
    booking_id uuid NOT NULL,
    trip_id    uuid NOT NULL,
    seat       text NOT NULL,
    from_seq   smallint NOT NULL,
    to_seq     smallint NOT NULL,
    status     text NOT NULL,
    sold       boolean NOT NULL,           -- it was good once: paid for, or free
    source_seq bigint NOT NULL
);
CREATE INDEX tickets_of_booking ON tickets (booking_id);
CREATE INDEX tickets_of_trip ON tickets (trip_id);

-- The first good scan of a ticket.
CREATE TABLE check_ins (
    ticket_id  uuid PRIMARY KEY,
    trip_id    uuid NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE refunds (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL,
    company_id   uuid NOT NULL,
    amount_minor bigint NOT NULL,
    currency     text NOT NULL,
    status       text NOT NULL,
    created_at   timestamptz NOT NULL,
    source_seq   bigint NOT NULL
);
CREATE INDEX refunds_of_company ON refunds (company_id, created_at);                    -- a company's day
CREATE INDEX refunds_of_booking ON refunds (booking_id);                                -- a booking that comes late

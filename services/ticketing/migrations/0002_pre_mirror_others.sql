-- What others own, as far as selling needs it: kept from events, and read through where one has not come yet.
-- source_seq orders what is heard of a thing; 0 is what was read. A child may come before its parent: no foreign keys.

CREATE TABLE companies (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    time_zone     text NOT NULL,
    currency      text NOT NULL,
    status        text NOT NULL,
    refund_policy jsonb NOT NULL,
    source_seq    bigint NOT NULL
);

CREATE TABLE layouts (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    decks      jsonb NOT NULL,
    classes    jsonb NOT NULL,
    seats      jsonb NOT NULL,
    capacity   smallint NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE buses (
    id         uuid PRIMARY KEY,
    plate      text NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE drivers (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE stops (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    name       text NOT NULL,
    city       text NOT NULL,
    place      text NOT NULL,              -- the city's slug: what a search names
    lat        double precision NOT NULL,
    lon        double precision NOT NULL,
    time_zone  text NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE routes (
    id         uuid PRIMARY KEY,
    company_id uuid NOT NULL,
    name       text NOT NULL,
    currency   text NOT NULL,
    calls      jsonb NOT NULL,             -- [{seq, stop_id, arrive_s, depart_s, leg_fare_minor, fare_sum_minor}]
    last_seq   smallint NOT NULL GENERATED ALWAYS AS (jsonb_array_length(calls) - 1) STORED,
    source_seq bigint NOT NULL
);

-- Stops and routes that are gone, so that old news does not bring them back.
CREATE TABLE removed (
    id         uuid PRIMARY KEY,
    source_seq bigint NOT NULL
);

CREATE TABLE trips (
    id            uuid PRIMARY KEY,
    company_id    uuid NOT NULL,
    route_id      uuid NOT NULL,
    layout_id     uuid NOT NULL,
    bus_id        uuid,
    driver_id     uuid,
    service_date  date NOT NULL,
    departs_at    timestamptz NOT NULL,    -- scheduled, at stop 0
    arrives_at    timestamptz NOT NULL,    -- scheduled, at the last stop
    delay_min     integer NOT NULL,
    status        text NOT NULL,
    cancel_reason text,
    updated_at    timestamptz NOT NULL,
    heard_at      timestamptz NOT NULL DEFAULT now(),   -- when its status last changed here
    source_seq    bigint NOT NULL
);
-- a route's departures of a day, with all that a search sorts and filters by
CREATE INDEX trips_of_route ON trips (route_id, departs_at) INCLUDE (id, layout_id, delay_min, status);
-- departures that were cancelled a moment ago; and page by page
CREATE INDEX trips_cancelled_lately ON trips (heard_at) WHERE status = 'cancelled';
CREATE INDEX trips_called_off ON trips (departs_at, id) WHERE status = 'cancelled';

CREATE TABLE accounts (
    id         uuid PRIMARY KEY,
    email      text NOT NULL,
    phone      text,                       -- as given at registration: a profile, once there is one, knows better
    locale     text NOT NULL,
    source_seq bigint NOT NULL
);

CREATE TABLE profiles (
    user_id    uuid PRIMARY KEY,
    phone      text,
    locale     text NOT NULL,
    source_seq bigint NOT NULL
);

-- How a user is written to.
CREATE VIEW contacts AS
SELECT a.id AS user_id, a.email, CASE WHEN p.user_id IS NULL THEN a.phone ELSE p.phone END AS phone,
       coalesce(p.locale, a.locale) AS locale
FROM accounts a LEFT JOIN profiles p ON p.user_id = a.id;

CREATE TABLE payments (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL,
    status       text NOT NULL,
    amount_minor bigint NOT NULL,
    heard_at     timestamptz NOT NULL DEFAULT now(),    -- when its status last changed here
    source_seq   bigint NOT NULL
);
CREATE INDEX payments_of_booking ON payments (booking_id) WHERE status = 'succeeded';   -- is it paid for?
-- payments that succeeded a moment ago; and page by page
CREATE INDEX payments_settling ON payments (heard_at, id) INCLUDE (booking_id) WHERE status = 'succeeded';

-- Who is on board. Apart from the tickets: they have another owner.
CREATE TABLE check_ins (
    ticket_id     uuid PRIMARY KEY,
    checked_in_at timestamptz NOT NULL,
    source_seq    bigint NOT NULL
);

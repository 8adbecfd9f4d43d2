-- What is sold: bookings with their tickets, the seats that these claim, refund offers, and who waits for seats.
-- Extensions (btree_gist, pg_trgm) are created by the database's owner before the first migration; the tables of
-- mail, kept answers and events are common's. Money is in minor units of the row's currency.

CREATE TABLE bookings (
    id               uuid PRIMARY KEY,
    reference        text NOT NULL UNIQUE,
    user_id          uuid NOT NULL,
    trip_id          uuid NOT NULL,
    company_id       uuid NOT NULL,
    from_seq         smallint NOT NULL,
    to_seq           smallint NOT NULL CHECK (to_seq > from_seq),
    status           text NOT NULL CHECK (status IN ('held', 'confirmed', 'cancelled', 'expired')),
    seats            smallint NOT NULL,        -- held or confirmed; of what is over, as many as it had last
    total_minor      bigint NOT NULL CHECK (total_minor >= 0),
    currency         text NOT NULL,
    refund_due_minor bigint NOT NULL DEFAULT 0,   -- what the passenger is owed; the payments' service pays it
    refund_reason    text,
    payment_id       uuid,                     -- the payment that this booking has been settled with
    contact_email    text NOT NULL,
    contact_phone    text,
    journey          jsonb NOT NULL,           -- what was sold, as it was called then: see the function hold_seats
    expires_at       timestamptz NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX bookings_of_user ON bookings (user_id, id DESC);
-- how many seats somebody has already, from the index alone
CREATE INDEX bookings_live_of_user ON bookings (user_id, trip_id) INCLUDE (status, expires_at, seats)
    WHERE status IN ('held', 'confirmed');
CREATE INDEX bookings_live_of_trip ON bookings (trip_id) WHERE status IN ('held', 'confirmed');  -- a trip is cancelled
CREATE INDEX bookings_held ON bookings (expires_at) WHERE status = 'held';                       -- the expiry sweep

CREATE TABLE tickets (
    id               uuid PRIMARY KEY,
    booking_id       uuid NOT NULL REFERENCES bookings,
    trip_id          uuid NOT NULL,
    company_id       uuid NOT NULL,
    user_id          uuid NOT NULL,
    seat             text NOT NULL,
    seat_class       text NOT NULL,
    deck             text NOT NULL,
    from_seq         smallint NOT NULL,
    to_seq           smallint NOT NULL,
    passenger_name   text NOT NULL,
    passenger_age    smallint,
    passenger_gender text,
    price_minor      bigint NOT NULL,
    refund_due_minor bigint NOT NULL DEFAULT 0,
    status           text NOT NULL CHECK (status IN ('held', 'confirmed', 'cancelled', 'expired')),
    sold             boolean NOT NULL DEFAULT false,   -- it was good once: paid for, or free
    qr_serial        smallint NOT NULL DEFAULT 0,
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tickets_of_booking ON tickets (booking_id);
CREATE INDEX tickets_of_trip ON tickets (trip_id) WHERE status = 'confirmed';                    -- who rides
-- seats that were given back a moment ago
CREATE INDEX tickets_given_back ON tickets (updated_at) INCLUDE (trip_id) WHERE status IN ('cancelled', 'expired');

-- A seat on a stretch of a trip. The constraint is what makes selling it twice impossible.
CREATE TABLE seat_claims (
    ticket_id  uuid PRIMARY KEY,           -- claimed before its ticket is written: no foreign key
    booking_id uuid NOT NULL,
    trip_id    uuid NOT NULL,
    seat       text NOT NULL,
    segment    int4range NOT NULL,         -- [from_seq, to_seq)
    status     text NOT NULL CHECK (status IN ('held', 'confirmed', 'cancelled', 'expired')),
    expires_at timestamptz NOT NULL,
    CONSTRAINT seat_claims_once EXCLUDE USING gist (trip_id WITH =, seat WITH =, segment WITH &&)
        WHERE (status IN ('held', 'confirmed'))
);
CREATE INDEX seat_claims_of_trip ON seat_claims (trip_id) INCLUDE (seat, segment, status, expires_at)
    WHERE status IN ('held', 'confirmed');                                                       -- seat map, search

CREATE TABLE refund_offers (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL REFERENCES bookings,
    ticket_ids   uuid[] NOT NULL,
    percent      smallint NOT NULL,
    amount_minor bigint NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL
);

CREATE TABLE waitlist (
    id          uuid PRIMARY KEY,
    trip_id     uuid NOT NULL,
    user_id     uuid NOT NULL,
    from_seq    smallint NOT NULL,
    to_seq      smallint NOT NULL CHECK (to_seq > from_seq),
    seats       smallint NOT NULL CHECK (seats BETWEEN 1 AND 6),
    status      text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'notified', 'cancelled')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    notified_at timestamptz
);
CREATE UNIQUE INDEX waitlist_once ON waitlist (trip_id, user_id) WHERE status = 'waiting';
CREATE INDEX waitlist_of_user ON waitlist (user_id, id);
CREATE INDEX waitlist_of_trip ON waitlist (trip_id, id);
-- the sweeps: who waits, who has just begun to, whose promise ends
CREATE INDEX waitlist_waiting ON waitlist (trip_id) WHERE status = 'waiting';
CREATE INDEX waitlist_lately ON waitlist (created_at) INCLUDE (trip_id) WHERE status = 'waiting';
CREATE INDEX waitlist_promised ON waitlist (notified_at) INCLUDE (trip_id) WHERE status = 'notified';

SELECT banyan.capture('bookings', 'bookings');
SELECT banyan.capture('tickets', 'bookings');

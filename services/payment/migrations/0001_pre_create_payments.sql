-- Payments, refunds and the ledger. Money is in minor units everywhere.

CREATE TABLE payments (
    id           uuid PRIMARY KEY,
    booking_id   uuid NOT NULL,
    user_id      uuid NOT NULL,
    company_id   uuid NOT NULL,
    provider     text NOT NULL,
    status       text NOT NULL CHECK (status IN ('requires_method', 'processing', 'succeeded', 'failed', 'cancelled')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency     text NOT NULL,
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
CREATE INDEX payments_of_booking ON payments (booking_id, id DESC);                     -- a booking's payments
CREATE INDEX payments_of_user ON payments (user_id, id DESC);                           -- one's own payments
CREATE INDEX payments_processing ON payments (attempted_at) WHERE status = 'processing';  -- asked after; the sandbox tells
CREATE INDEX payments_idle ON payments (created_at) WHERE status = 'requires_method';   -- closed after a day

CREATE TABLE refunds (
    id           uuid PRIMARY KEY,
    payment_id   uuid NOT NULL REFERENCES payments,
    booking_id   uuid NOT NULL,            -- its payment's, like the next two: whoever hears of a refund needs no payment
    company_id   uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency     text NOT NULL,
    status       text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    booking_due  boolean NOT NULL DEFAULT false,   -- pays what a booking is owed, rather than an operator's goodwill
    reason       text NOT NULL,
    provider_ref text,
    attempted_at timestamptz,
    failure_code text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX refunds_of_payment ON refunds (payment_id);
CREATE INDEX refunds_pending ON refunds (attempted_at) WHERE status = 'pending';        -- sent; told; asked after
CREATE INDEX refunds_failed_lately ON refunds (updated_at) INCLUDE (payment_id)
    WHERE status = 'failed' AND booking_due;                                            -- made again after a while

-- What providers told us, as it came: answered first, worked on after. One that came before its payment, or that
-- could not be worked on, waits longer each time.
CREATE TABLE webhook_events (
    provider    text NOT NULL,
    event_id    text NOT NULL,
    payload     jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    next_at     timestamptz NOT NULL DEFAULT now(),
    worked_at   timestamptz,
    attempts    smallint NOT NULL DEFAULT 0,
    last_error  text,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX webhook_events_due ON webhook_events (next_at) WHERE worked_at IS NULL;

-- The sandbox's webhooks: what is to be told follows from payments and refunds, here is only when to try again.
CREATE TABLE sandbox_deliveries (
    subject  uuid PRIMARY KEY,             -- a payment or a refund
    attempts smallint NOT NULL,
    next_at  timestamptz NOT NULL
);
CREATE INDEX sandbox_deliveries_old ON sandbox_deliveries (next_at);                    -- thrown away after a day

-- Double entry: one immutable row per transfer; a correction is a row the other way.
CREATE TABLE ledger (
    id           uuid PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT now(),
    debit        text NOT NULL,
    credit       text NOT NULL CHECK (credit <> debit),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency     text NOT NULL,
    payment_id   uuid NOT NULL REFERENCES payments,
    refund_id    uuid REFERENCES refunds,
    reverses     uuid REFERENCES ledger,
    memo         text NOT NULL
);
CREATE UNIQUE INDEX ledger_capture_once ON ledger (payment_id) WHERE refund_id IS NULL AND reverses IS NULL;
CREATE UNIQUE INDEX ledger_refund_once ON ledger (refund_id) WHERE refund_id IS NOT NULL AND reverses IS NULL;
CREATE INDEX ledger_of_payment ON ledger (payment_id, id);
CREATE INDEX ledger_entries_by_debit ON ledger (debit, id);                             -- an account's entries, newest first
CREATE INDEX ledger_entries_by_credit ON ledger (credit, id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed; write a reversal', TG_TABLE_NAME USING ERRCODE = '55000';
END $$;
CREATE TRIGGER ledger_is_immutable BEFORE UPDATE OR DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_is_not_emptied BEFORE TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What each account was debited and credited, kept by the transaction that writes the entry. So that entries
-- of one account do not wait for each other, each leaves a note of its own; a sweep adds notes to the totals and
-- deletes them. Totals plus notes, read by one statement, are always the sum of the ledger.
CREATE TABLE ledger_totals (
    account      text NOT NULL,
    currency     text NOT NULL,
    debit_minor  bigint NOT NULL,
    credit_minor bigint NOT NULL,
    PRIMARY KEY (account, currency)
);
CREATE TABLE ledger_notes (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account      text NOT NULL,
    currency     text NOT NULL,
    debit_minor  bigint NOT NULL,
    credit_minor bigint NOT NULL
);

CREATE FUNCTION ledger_is_noted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_notes (account, currency, debit_minor, credit_minor)
    SELECT side.account, e.currency, sum(side.debit), sum(side.credit)
    FROM entries e
    CROSS JOIN LATERAL (VALUES (e.debit, e.amount_minor, 0::bigint), (e.credit, 0::bigint, e.amount_minor))
               side (account, debit, credit)
    GROUP BY side.account, e.currency;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_is_noted AFTER INSERT ON ledger REFERENCING NEW TABLE AS entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_noted();

-- What other domains tell us, as far as payments need it; source_seq is the event's, 0 of what was read from the owner.

CREATE TABLE bookings (
    id               uuid PRIMARY KEY,
    reference        text NOT NULL,
    user_id          uuid NOT NULL,
    company_id       uuid NOT NULL,
    status           text NOT NULL,
    total_minor      bigint NOT NULL,
    currency         text NOT NULL,
    refund_due_minor bigint NOT NULL,      -- what the passenger is owed; the sweep refunds it
    refund_reason    text,
    seats            integer NOT NULL,
    expires_at       timestamptz,          -- of a hold; not told of every other by who reads it from the owner
    journey          jsonb NOT NULL,       -- what was sold: see the event
    updated_at       timestamptz NOT NULL,
    noted_at         timestamptz NOT NULL DEFAULT now(),   -- when we first knew of its status and what it is owed
    source_seq       bigint NOT NULL
);
CREATE INDEX bookings_owed ON bookings (noted_at, id) WHERE refund_due_minor > 0;       -- the refund sweeps

CREATE TABLE companies (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    source_seq bigint NOT NULL
);

SELECT banyan.capture('payments', 'payments');
SELECT banyan.capture('refunds', 'payments');

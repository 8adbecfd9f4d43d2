-- When what could not be done at once is tried again, and indexes for what the payments' sweeps and lists ask.

-- An event that came before its payment, or that could not be worked on, waits longer each time.
ALTER TABLE webhook_events ADD COLUMN next_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX webhook_events_due ON webhook_events (next_at) WHERE worked_at IS NULL;
DROP INDEX webhook_events_waiting;

-- The sandbox's webhooks: what is to be delivered follows from payments and refunds, here is only when to try again.
CREATE TABLE sandbox_deliveries (
    subject  uuid PRIMARY KEY,             -- a payment or a refund
    attempts smallint NOT NULL,
    next_at  timestamptz NOT NULL
);
CREATE INDEX sandbox_deliveries_old ON sandbox_deliveries (next_at);                    -- thrown away after a day

CREATE INDEX payments_of_user ON payments (user_id, id DESC);                           -- one's own payments
CREATE INDEX refunds_failed ON refunds (payment_id) WHERE status = 'failed' AND booking_due;  -- tried again
CREATE INDEX bookings_refunding_lately ON bookings (updated_at) WHERE refund_due > 0;   -- the quick refund sweep

CREATE INDEX ledger_of_payment ON ledger (payment_id, id);
CREATE INDEX ledger_entries_by_debit ON ledger (debit, id);                             -- an account's entries, newest first
CREATE INDEX ledger_entries_by_credit ON ledger (credit, id);

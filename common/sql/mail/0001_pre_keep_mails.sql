-- Mail that waits to be sent: written in the transaction that causes it, sent by a sweep (common.mail).
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
CREATE INDEX mails_by_age ON mails (sent_at) WHERE sent_at IS NOT NULL;                 -- forgetting them

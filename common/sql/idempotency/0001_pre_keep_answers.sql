-- What common.idempotency stores: copy this into the first migration of a deployable that takes Idempotency-Key.
CREATE TABLE idempotency_keys (
    principal text NOT NULL,
    key text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb NOT NULL DEFAULT '{}',
    content_type text,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, key)
);
-- for purge_expired, which deletes the oldest
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

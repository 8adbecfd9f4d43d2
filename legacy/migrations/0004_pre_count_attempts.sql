-- What strangers ask for is counted, per address (IPv6: per /64), so that it can be limited; and resets of
-- passwords are asked for in a table, so that the answer takes as long for an account that does not exist.

CREATE TABLE registration_attempts (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX registration_attempts_by_address ON registration_attempts (address, at);
CREATE INDEX registration_attempts_by_age ON registration_attempts (at);                -- forgetting them

CREATE TABLE reset_requests (
    id        uuid PRIMARY KEY,
    email     citext NOT NULL,
    address   text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    worked_at timestamptz
);
CREATE INDEX reset_requests_by_address ON reset_requests (address, at);
CREATE INDEX reset_requests_by_email ON reset_requests (email, at);
CREATE INDEX reset_requests_by_age ON reset_requests (at);                              -- forgetting them
CREATE INDEX reset_requests_waiting ON reset_requests (at) WHERE worked_at IS NULL;     -- the sweep

CREATE INDEX password_resets_open ON password_resets (user_id) WHERE used_at IS NULL;   -- made void together
CREATE INDEX password_resets_by_age ON password_resets (expires_at);                    -- forgetting them
CREATE INDEX login_failures_by_age ON login_failures (at);                              -- forgetting them
CREATE INDEX refresh_tokens_by_age ON refresh_tokens (expires_at);                      -- forgetting them
CREATE INDEX mails_by_age ON mails (sent_at) WHERE sent_at IS NOT NULL;                 -- forgetting them

CREATE INDEX users_by_text ON users USING gin ((email::text || ' ' || full_name) gin_trgm_ops);  -- users?q=
CREATE INDEX refunds_by_day ON refunds (created_at);                                    -- the dashboards

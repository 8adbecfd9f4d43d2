-- Who may sign in, and where they are signed in. Extensions (citext, pg_trgm) are created by the database's owner
-- before the first migration; the tables of mail, kept answers and events are common's.

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         citext NOT NULL UNIQUE,
    password_hash text NOT NULL,
    role          text NOT NULL DEFAULT 'passenger'
                  CHECK (role IN ('passenger', 'operator', 'inspector', 'driver', 'admin')),
    company_id    uuid,                    -- the company's service knows it; no foreign key leads there
    status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    -- As given when the account was made, and never changed: what they are now is the profile's (profiles, below).
    full_name     text NOT NULL,
    phone         text,
    locale        text NOT NULL DEFAULT 'en' CHECK (locale IN ('en', 'hi')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),   -- of role, company and status
    CHECK ((role IN ('operator', 'inspector', 'driver')) = (company_id IS NOT NULL))
);
CREATE INDEX users_of_company ON users (company_id, id) WHERE company_id IS NOT NULL;   -- a company's staff
CREATE INDEX users_by_email_part ON users USING gin ((email::text) gin_trgm_ops);       -- users?q=
CREATE INDEX users_by_first_name ON users USING gin (full_name gin_trgm_ops);           -- users?q=, without a profile
SELECT banyan.capture('users', 'accounts');

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
CREATE INDEX refresh_tokens_by_age ON refresh_tokens (expires_at);                      -- forgetting them

CREATE TABLE password_resets (
    token_hash bytea PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX password_resets_open ON password_resets (user_id) WHERE used_at IS NULL;   -- made void together
CREATE INDEX password_resets_by_age ON password_resets (expires_at);                    -- forgetting them

-- What strangers try is counted, per account and per address (IPv6: per /64), so that it can be limited.
CREATE TABLE login_failures (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text NOT NULL,                 -- the e-mail address in lower case, known or not
    address text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_failures_by_account ON login_failures (account, at);
CREATE INDEX login_failures_by_address ON login_failures (address, at);
CREATE INDEX login_failures_by_age ON login_failures (at);                              -- forgetting them

CREATE TABLE registration_attempts (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    address text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX registration_attempts_by_address ON registration_attempts (address, at);
CREATE INDEX registration_attempts_by_age ON registration_attempts (at);                -- forgetting them

-- Resets are asked for in a table, so that the answer takes as long for an account that does not exist.
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

-- What others own, as far as accounts need it: kept from events, and read through where one has not come yet.
-- source_seq orders what is heard of a thing; 0 is what was read.
CREATE TABLE profiles (
    user_id    uuid PRIMARY KEY,
    full_name  text NOT NULL,
    locale     text NOT NULL,
    source_seq bigint NOT NULL
);
CREATE INDEX profiles_by_name ON profiles USING gin (full_name gin_trgm_ops);           -- users?q=

CREATE TABLE companies (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    source_seq bigint NOT NULL
);

-- The durable copy of the flag table, and the log of every change to it. Redis holds the live table, which is
-- refilled from here when it is empty or older.

-- One row. The lineage tells this copy's versions from those of any other, say of a database made anew.
CREATE TABLE flag_table (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    lineage uuid NOT NULL DEFAULT gen_random_uuid(),
    version bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO flag_table DEFAULT VALUES;

CREATE TABLE flags (
    route text PRIMARY KEY,
    value jsonb NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE group_owners (
    name text PRIMARY KEY,
    owner text NOT NULL CHECK (owner IN ('legacy', 'service')),
    epoch bigint NOT NULL CHECK (epoch >= 0),
    version bigint NOT NULL
);

-- Append-only. The primary key serves the newest changes of all routes, the index those of one route.
CREATE TABLE flag_changes (
    version bigint NOT NULL CHECK (version > 0),
    route text NOT NULL,
    before jsonb,
    after jsonb,
    who text NOT NULL CHECK (who <> ''),
    why text NOT NULL CHECK (why <> ''),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (version, route)
);
CREATE INDEX flag_changes_of_a_route ON flag_changes (route, version DESC);

CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: what was done stays on record', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON flag_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history();
ALTER TABLE flag_changes ENABLE ALWAYS TRIGGER append_only;

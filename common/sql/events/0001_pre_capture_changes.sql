-- What a database tells others of its rows (outbox), and what it has heard from them (inbox): common.events.

-- Every change of a captured row, in the transaction that made it. seq orders the changes of one row, since they
-- wait for each other at its lock; across rows it is not the order of commits.
CREATE TABLE banyan.outbox (
    seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txid   xid8 NOT NULL DEFAULT pg_current_xact_id(),
    grp    text NOT NULL,
    tbl    text NOT NULL,
    op     text NOT NULL CHECK (op IN ('insert', 'update', 'delete', 'emit')),
    key    text NOT NULL,
    row    jsonb,                          -- as it is now; null when it is gone
    old    jsonb,                          -- as it was, of a row that is gone
    origin text,                           -- who wrote it, if not the application itself
    at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX outbox_by_age ON banyan.outbox (at);                                       -- forgetting it

CREATE TABLE banyan.captured (
    tbl text PRIMARY KEY,
    grp text NOT NULL,
    key text NOT NULL
);

-- How far the relay has come: everything up to low has been published; what was deleted goes up to forgotten.
CREATE TABLE banyan.relay (
    single    boolean PRIMARY KEY DEFAULT true CHECK (single),
    low       bigint NOT NULL DEFAULT 0,
    forgotten bigint NOT NULL DEFAULT 0
);
INSERT INTO banyan.relay DEFAULT VALUES;

CREATE FUNCTION banyan.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := to_jsonb(OLD);
        INSERT INTO banyan.outbox (grp, tbl, op, key, old, origin)
        VALUES (TG_ARGV[0], TG_TABLE_NAME, 'delete', changed ->> TG_ARGV[1], changed,
                nullif(current_setting('banyan.origin', true), ''));
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NULL;
    END IF;
    changed := to_jsonb(NEW);
    INSERT INTO banyan.outbox (grp, tbl, op, key, row, origin)
    VALUES (TG_ARGV[0], TG_TABLE_NAME, lower(TG_OP), changed ->> TG_ARGV[1], changed,
            nullif(current_setting('banyan.origin', true), ''));
    RETURN NULL;
END $$;

CREATE FUNCTION banyan.capture(tbl text, grp text, key text DEFAULT 'id') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever fills both ends of a projection at once, as demo data does, sets banyan.capture to off meanwhile.
    EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW '
                   'WHEN (current_setting(''banyan.capture'', true) IS DISTINCT FROM ''off'') '
                   'EXECUTE FUNCTION banyan.note_change(%L, %L)',
                   tbl || '_are_captured', tbl, grp, key);
    INSERT INTO banyan.captured VALUES (capture.tbl, capture.grp, capture.key);
END $$;

-- Publish the next rows of a table as they are: locked, so that what follows of them gets a higher seq. Answers the
-- last key, or null when there are no more.
CREATE FUNCTION banyan.emit(which text, after text, most integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    named banyan.captured;
    last text;
BEGIN
    SELECT * INTO STRICT named FROM banyan.captured c WHERE c.tbl = which;
    EXECUTE format(
        'WITH chunk AS (SELECT t.*, t.%2$I::text AS emitted_key FROM %1$I t '
        '               WHERE $1 IS NULL OR t.%2$I > $1::%3$s ORDER BY t.%2$I LIMIT $2 FOR SHARE), '
        'told AS (INSERT INTO banyan.outbox (grp, tbl, op, key, row) '
        '         SELECT %4$L, %1$L, ''emit'', emitted_key, to_jsonb(chunk) - ''emitted_key'' FROM chunk '
        '         RETURNING 1) '
        'SELECT max(%2$I::text) FROM chunk',
        named.tbl, named.key,
        (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
         WHERE a.attrelid = named.tbl::regclass AND a.attname = named.key),
        named.grp)
    INTO last USING after, most;
    RETURN last;
END $$;

-- What has been heard of each source: everything up to low; and beyond it what the inbox names. A source with a hole
-- has been asked to publish again from low.
CREATE TABLE banyan.heard (
    source   text PRIMARY KEY,
    low      bigint NOT NULL DEFAULT 0,
    last_seq bigint NOT NULL DEFAULT 0,    -- of the last entry of its stream
    hole     boolean NOT NULL DEFAULT false
);

CREATE TABLE banyan.inbox (
    source text NOT NULL,
    seq    bigint NOT NULL,
    PRIMARY KEY (source, seq)
);

-- Events that could not be applied: tried again, later each time, and in the end dead until somebody replays them.
CREATE TABLE banyan.failures (
    source   text NOT NULL,
    seq      bigint NOT NULL,
    event    jsonb NOT NULL,
    error    text NOT NULL,
    attempts smallint NOT NULL DEFAULT 1,
    next_at  timestamptz NOT NULL,         -- infinity: dead
    PRIMARY KEY (source, seq)
);
CREATE INDEX failures_due ON banyan.failures (next_at);

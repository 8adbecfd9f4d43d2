-- A column that was added has no statistics until a tenth of its table has changed; without them the sweep would be
-- planned to read the whole table. Of an empty table none are wanted: it would be planned for as one that stays so.
DO $$
BEGIN
    IF EXISTS (SELECT FROM waitlist) THEN
        ANALYZE waitlist (given_up_at);
    END IF;
END $$;

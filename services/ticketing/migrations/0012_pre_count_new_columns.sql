-- A column that was added has no statistics until a tenth of its table has changed; without them the sweeps would be
-- planned to read whole tables. Of an empty table none are wanted: it would be planned for as one that stays so.
DO $$
BEGIN
    IF EXISTS (SELECT FROM trips) THEN
        ANALYZE trips (reseated_at);
    END IF;
    IF EXISTS (SELECT FROM check_ins) THEN
        ANALYZE check_ins (heard_at, crossed);
    END IF;
    IF EXISTS (SELECT FROM waitlist) THEN
        ANALYZE waitlist (given_up_at);
    END IF;
END $$;

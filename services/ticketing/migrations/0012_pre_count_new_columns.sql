-- A column that was added has no statistics until a tenth of its table has changed; without them the sweeps would be
-- planned to read whole tables.
ANALYZE trips (reseated_at);
ANALYZE check_ins (heard_at, crossed);
ANALYZE waitlist (given_up_at);

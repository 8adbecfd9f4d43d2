-- A column that was added has no statistics until a tenth of its table has changed; without them the sweep would be
-- planned to read the whole table.
ANALYZE waitlist (given_up_at);

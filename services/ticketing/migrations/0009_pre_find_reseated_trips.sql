-- banyan: no-transaction
CREATE INDEX CONCURRENTLY trips_reseated ON trips (reseated_at, id) WHERE reseated_at IS NOT NULL;

-- Two sweeps look every other second at what has just changed, and at everything only now and then.

-- seats that were given back or not paid for: those who wait for one are told
CREATE INDEX tickets_freed ON tickets (updated_at) WHERE status IN ('cancelled', 'expired');
-- departures that were just cancelled: their bookings are cancelled with them
CREATE INDEX trips_cancelled_lately ON trips (updated_at) WHERE status = 'cancelled';

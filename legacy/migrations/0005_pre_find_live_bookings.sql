-- What is asked every second, or by every hold, must not grow with the years of history.

-- a user's live bookings: how many seats of a trip somebody has already
CREATE INDEX bookings_live_of_user ON bookings (user_id, trip_id) INCLUDE (status, expires_at)
    WHERE status IN ('held', 'confirmed');
-- the sweep of cancelled departures looks for bookings on them
CREATE INDEX bookings_live_of_trip ON bookings (trip_id) WHERE status IN ('held', 'confirmed');
CREATE INDEX trips_cancelled ON trips (departs_at) WHERE status = 'cancelled';
-- who waits for a trip, and who has just been told of free seats
CREATE INDEX waitlist_of_trip ON waitlist (trip_id, id);
CREATE INDEX waitlist_waiting ON waitlist (id) WHERE status = 'waiting';

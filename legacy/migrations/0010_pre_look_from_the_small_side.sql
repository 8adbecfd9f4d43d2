-- What the sweeps of every second look at is what changed a moment ago, whatever the years have piled up; what
-- they may have missed the thorough passes find, page by page, in the same indexes. See docs/sweeps.md.

-- payments that succeeded a moment ago; and page by page
CREATE INDEX payments_settling ON payments (updated_at, id) INCLUDE (booking_id) WHERE status = 'succeeded';
DROP INDEX payments_succeeded;
-- departures that were cancelled a moment ago; and page by page
CREATE INDEX trips_cancelled_lately ON trips (updated_at) WHERE status = 'cancelled';
CREATE INDEX trips_called_off ON trips (departs_at, id) WHERE status = 'cancelled';
DROP INDEX trips_cancelled;
-- seats that were given back a moment ago, who has just begun to wait, and whose promise ends
CREATE INDEX tickets_given_back ON tickets (updated_at) INCLUDE (trip_id) WHERE status IN ('cancelled', 'expired');
CREATE INDEX waitlist_lately ON waitlist (created_at) INCLUDE (trip_id) WHERE status = 'waiting';
CREATE INDEX waitlist_promised ON waitlist (notified_at) INCLUDE (trip_id) WHERE status = 'notified';
-- bookings that are owed something since a moment ago; and page by page
CREATE INDEX bookings_owed ON bookings (updated_at, id) WHERE refund_due > 0;
DROP INDEX bookings_refunding_lately;
DROP INDEX bookings_refunding;
-- refunds that failed a while ago and may be made again
CREATE INDEX refunds_failed_lately ON refunds (updated_at) INCLUDE (payment_id) WHERE status = 'failed' AND booking_due;
DROP INDEX refunds_failed;

-- The dashboards: a company's refunds, and departures without a look at the trips themselves.
CREATE INDEX payments_of_company ON payments (company_id) INCLUDE (id, booking_id);
DROP INDEX trips_of_company;
CREATE INDEX trips_of_company ON trips (company_id, departs_at, id) INCLUDE (status);

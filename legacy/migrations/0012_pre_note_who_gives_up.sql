-- Who was told of seats and gave them up, so that the next is told a moment after and not minutes.
ALTER TABLE waitlist ADD COLUMN given_up_at timestamptz;
CREATE INDEX waitlist_given_up ON waitlist (given_up_at) INCLUDE (trip_id) WHERE given_up_at IS NOT NULL;

-- A key belongs to a domain, as it does where every domain has a database of its own. What was answered in the last
-- day is found under its new name too.
--
-- The code of before runs on with this, and goes on with the old names. But neither it nor the new code knows what
-- the other has answered since: who sends a request again, and comes to the other of the two, has it done again,
-- be it a refund. So the old processes of legacy have to end before this runs and the new ones answer: no overlap.
INSERT INTO idempotency_keys
    (principal, key, method, path, fingerprint, status, headers, content_type, body, created_at)
SELECT CASE WHEN path LIKE '/api/bookings%' THEN 'ticketing:'
            WHEN path LIKE '/api/check-ins%' THEN 'qr:'
            ELSE 'payment:' END || principal,
       key, method, path, fingerprint, status, headers, content_type, body, created_at
FROM idempotency_keys
WHERE status IS NOT NULL AND created_at > now() - interval '24 hours';

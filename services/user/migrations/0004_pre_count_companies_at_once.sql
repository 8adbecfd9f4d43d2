-- All of some companies' cells are added up in one pass over their rows, and not cell by cell: what came with a load
-- is counted in a quarter of the time. What a sale and a departure are is said at recount_sales and
-- recount_departures; both ways must come to the same.

CREATE OR REPLACE FUNCTION recount_companies(which uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM take_turn_to_count();
    DELETE FROM daily_sales WHERE company_id = ANY (which);
    DELETE FROM daily_totals WHERE company_id = ANY (which);
    DELETE FROM daily_refunds WHERE company_id = ANY (which);
    DELETE FROM daily_departures WHERE company_id = ANY (which);
    DELETE FROM stale_sales WHERE company_id = ANY (which);
    DELETE FROM stale_refunds WHERE company_id = ANY (which);
    DELETE FROM stale_departures WHERE company_id = ANY (which);

    INSERT INTO daily_sales
    SELECT sold.company_id, sold.day, sold.route_id, sold.currency, count(*), sum(sold.tickets), sum(sold.cancelled),
           sum(sold.total_minor)
    FROM (SELECT b.company_id, (b.created_at AT TIME ZONE c.time_zone)::date AS day, b.route_id, b.currency,
                 b.total_minor, count(*) AS tickets, count(*) FILTER (WHERE k.status = 'cancelled') AS cancelled
          FROM companies c
          JOIN bookings b ON b.company_id = c.id
          JOIN tickets k ON k.booking_id = b.id
          WHERE c.id = ANY (which) AND b.route_id IS NOT NULL
            AND (b.status = 'confirmed' OR b.payment_id IS NOT NULL OR b.total_minor = 0)
            AND (k.status = 'confirmed' OR (k.status = 'cancelled' AND k.sold))
          GROUP BY b.id, c.time_zone) sold
    GROUP BY 1, 2, 3, 4;

    INSERT INTO daily_totals
    SELECT s.company_id, s.day, s.currency, sum(s.bookings), sum(s.tickets), sum(s.cancelled), sum(s.revenue_minor)
    FROM daily_sales s
    WHERE s.company_id = ANY (which)
    GROUP BY 1, 2, 3;

    INSERT INTO daily_refunds
    SELECT r.company_id, (r.created_at AT TIME ZONE c.time_zone)::date, r.currency, sum(r.amount_minor)
    FROM companies c
    JOIN refunds r ON r.company_id = c.id AND r.status <> 'failed'
    JOIN bookings b ON b.id = r.booking_id
    WHERE c.id = ANY (which)
    GROUP BY 1, 2, 3;

    INSERT INTO daily_departures
    SELECT ran.company_id, ran.day, ran.route_id, count(*), sum(ran.capacity), sum(ran.legs), sum(ran.passengers),
           sum(ran.boarded)
    FROM (SELECT t.company_id, (t.departs_at AT TIME ZONE c.time_zone)::date AS day, t.route_id, l.capacity,
                 coalesce(sum(k.to_seq - k.from_seq), 0) AS legs, count(k.id) AS passengers,
                 count(i.ticket_id) AS boarded
          FROM companies c
          JOIN trips t ON t.company_id = c.id
          JOIN layouts l ON l.id = t.layout_id
          LEFT JOIN tickets k ON k.trip_id = t.id AND k.status = 'confirmed'
          LEFT JOIN check_ins i ON i.ticket_id = k.id
          WHERE c.id = ANY (which) AND t.status = 'scheduled'
          GROUP BY t.id, c.time_zone, l.capacity) ran
    GROUP BY 1, 2, 3;
END $$;

"""ticketing-service: searching departures, selling their seats, bookings and tickets."""

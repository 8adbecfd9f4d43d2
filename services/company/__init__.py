"""company-service: companies, their fleets, drivers and networks, and the departures that they run."""

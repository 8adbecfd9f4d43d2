"""`banyan gtfs`: feeds checked on this machine, and brought into a running system over its API."""

"""All SQL of user-service: functions that take a connection first."""

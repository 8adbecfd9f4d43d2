"""All SQL of accounts, by subject; functions take a connection first."""

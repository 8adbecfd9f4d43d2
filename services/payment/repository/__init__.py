"""All SQL of payments, by what it is about. Functions take a connection first and know no rule."""

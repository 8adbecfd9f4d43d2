"""The use cases of accounts and sessions: they open transactions and know no request."""

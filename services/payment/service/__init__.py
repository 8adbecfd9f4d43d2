"""The use cases of payments. They open transactions and know no request."""

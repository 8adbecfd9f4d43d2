"""What user-service does: use cases, which know no request."""

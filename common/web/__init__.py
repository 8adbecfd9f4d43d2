"""What pages need: languages, formats, forms, security headers and, for the services, a shared layout."""

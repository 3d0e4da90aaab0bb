"""Lambda events and HTTP: requests in, responses out, no SQL."""

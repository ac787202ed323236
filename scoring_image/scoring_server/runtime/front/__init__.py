"""A worker's network side: whole requests in, whole answers out; no thread waits for a client."""

"""Django's PostgreSQL back end with a pool that recovers at once from a restarted server."""

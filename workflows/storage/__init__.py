"""Proof files outside the database: looked at, made harmless, scanned, kept in private storage."""

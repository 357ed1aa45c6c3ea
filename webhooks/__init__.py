"""Signed messages to the servers of companies: what happened, told at least once."""

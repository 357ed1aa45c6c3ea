"""Reads of the messaging app, one module a subject; each takes its owner as an argument."""

"""Backups of everything that must not be lost: rows and files, with a manifest of checksums."""

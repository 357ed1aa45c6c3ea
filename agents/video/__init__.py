"""Narrated videos made by agents that work in parallel, with a status that never lies."""

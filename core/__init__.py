"""Words of no business: what every app stands on. Knows no app above it."""

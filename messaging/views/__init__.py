"""Pages and webhooks of messaging."""

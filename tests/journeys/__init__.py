"""Stories across apps, played through the real pages, sockets and webhooks."""

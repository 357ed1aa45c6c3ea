"""The commerce lane: catalogue, search, cart, checkout, payment link, orders."""

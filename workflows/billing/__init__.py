"""How plans are paid: one Protocol, a local page with play money, and Stripe Checkout."""

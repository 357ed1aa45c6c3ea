"""How orders are paid: one Protocol, a local page with play money, and Stripe Checkout."""

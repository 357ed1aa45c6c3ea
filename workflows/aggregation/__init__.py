"""How figures are made of runs and results, one way a database. Called by the service alone."""

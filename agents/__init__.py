"""What the AI does: dataclasses in, dataclasses out. Knows no row of the apps above, no HTTP."""

"""What the AI does: dataclasses in, dataclasses out. Knows no survey row, no conversation row, no HTTP."""

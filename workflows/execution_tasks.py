"""Background jobs of runs and proofs: one service call each, safe to run twice."""

from __future__ import annotations

from core.jobs import periodic, sweep
from workflows.services import proofs, timing


@sweep("workflows.silent_segments", every_seconds=30)
def close_silent_segments() -> None:
    """Stop the clocks of runs nobody has been heard of in."""
    timing.close_silent_segments()


@periodic("41 3 * * *", name="workflows.sweep_proofs")
def sweep_proofs() -> None:
    """Delete stored proofs that no row names, each night."""
    proofs.sweep_orphans()

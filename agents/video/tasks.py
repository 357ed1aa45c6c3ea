"""Jobs and sweeps of videos: rendering in a lane of its own, recovery, what is left on disk."""

from __future__ import annotations

from agents.video.services import files, rendering, runs, scripts
from core.jobs import VIDEO_LANE, job, periodic, sweep


@job(runs.RENDER_JOB, lane=VIDEO_LANE)
def render_run(key: str) -> None:
    """Make the video of one run, unless somebody else does."""
    rendering.render_run(run_id=key)


@sweep("video.due_runs", every_seconds=1, lane=VIDEO_LANE)
def find_due_runs() -> None:
    """Go on with runs whose worker is gone, and end those nobody can finish."""
    runs.sweep_due_runs()


@sweep("video.orphans", every_seconds=30, lane=VIDEO_LANE)
def end_orphans() -> None:
    """End programs and folders a killed worker of this machine left behind."""
    files.sweep_machine()


@job(scripts.ERASE_JOB)
def sweep_files_now(key: str) -> None:
    """Remove the files of videos that were deleted."""
    files.sweep_files()


@periodic("23 * * * *", name="video.sweep_files_hourly")
def sweep_files_hourly() -> None:
    """Remove what runs that are over no longer need."""
    files.sweep_files()

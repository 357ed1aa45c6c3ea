"""The life of a run: asked for, claimed by a worker, cancelled, given up.

Owns the states of runs, the lease and the attempts. What agents say is written by `reporting`;
the work itself is done by `rendering`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import User
from agents.video import selectors, status
from agents.video.models import OPEN_STATES, RunState, VideoRun, VideoSession
from agents.video.services import reporting
from core import clock, lease, ratelimit
from core.errors import ConflictError, InvalidInputError
from core.jobs import nudge

logger = logging.getLogger(__name__)

RENDER_JOB = "video.render_run"
FULL_TEST = "Full Test"
"""The only kind of process there is; the seed's word for it."""
LEASE_SECONDS = 30.0
MAX_TRIES = 3
"""Attempts of one run; a crash of the worker costs one."""
STARTS_PER_HOUR = 60
OPEN_RUNS_MAX = 5
"""Runs of one person that may wait or run at a time."""

WORKER_LOST = "worker_lost"


class RunOpenError(ConflictError):
    """A run of this video is open already."""

    def __init__(self, run_id: str = "") -> None:
        super().__init__(
            "video_run_open",
            "This video is being made already. Watch that run, or cancel it first.",
            extra={"runId": run_id} if run_id else None,
        )


class RunEndedError(ConflictError):
    """The run is over."""

    def __init__(self) -> None:
        super().__init__("video_run_ended", "This run is over. Start another one if you need it.")


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run this process may write to, as long as nobody claims it again."""

    pk: int
    run_id: str
    fence: int
    attempt: int
    first_attempt: int
    tries: int
    user_id: str
    session_id: str


def start_run(*, owner: User, session_id: str, test: str = FULL_TEST) -> VideoRun:
    """Ask for a video to be made; returns at once.

    Not idempotent, yet of any number of calls at once for one video a single one starts a run.

    Args:
        owner: whose video it is.
        session_id: public id of the video.
        test: ``Full Test``.

    Raises:
        VideoNotFoundError: no such video of this person.
        InvalidInputError: another kind of process is asked for.
        RunOpenError: a run of it is open.
        ConflictError: the person has five open runs.
        RateLimitedError: more than 60 starts in an hour.
    """
    if test != FULL_TEST:
        raise InvalidInputError("unknown_process", f'Set test to "{FULL_TEST}", or leave it out.')
    found = selectors.find_video(owner, session_id)
    ratelimit.hit(
        scope="video.start", key=owner.public_id, limit=STARTS_PER_HOUR, window_seconds=3600
    )
    try:
        with transaction.atomic():
            row = VideoSession.objects.select_for_update().get(pk=found.pk)
            opened = VideoRun.objects.filter(video_session=row, state__in=OPEN_STATES).first()
            if opened is not None:
                raise RunOpenError(opened.public_id)
            if selectors.count_open_runs(owner) >= OPEN_RUNS_MAX:
                raise ConflictError(
                    "too_many_open_runs",
                    f"{OPEN_RUNS_MAX} of your videos are being made. Wait for one of them.",
                )
            run = VideoRun.objects.create(video_session=row, revision=row.revision, test=test)
            nudge(RENDER_JOB, run.public_id)
    except IntegrityError:
        # Two passed the look at the same moment; the constraint let one of them in.
        raise RunOpenError from None
    return run


def request_cancel(*, owner: User, run_id: str) -> VideoRun:
    """Ask for a run to end; one nobody works on ends here and now.

    Idempotent while the run is open.

    Raises:
        RunNotFoundError: no such run of this person.
        RunEndedError: it is over.
    """
    found = selectors.find_run(owner, run_id)
    with transaction.atomic():
        run = VideoRun.objects.select_for_update().get(pk=found.pk)
        if not run.is_open:
            raise RunEndedError
        if run.cancel_requested_at is None:
            run.cancel_requested_at = clock.now()
            run.save(update_fields=["cancel_requested_at"])
        if run.leased_until is None or run.leased_until <= clock.now():
            _end_unheld(run, _say_cancelled)
    run.refresh_from_db()
    return run


def claim_run(*, run_id: str, worker: str) -> HeldRun | None:
    """Take a due run and begin an attempt.

    Args:
        run_id: public id.
        worker: unique name of this claim.

    Returns:
        None when somebody holds it or nothing is left to do.
    """
    due = VideoRun.objects.filter(public_id=run_id, state__in=OPEN_STATES)
    fence = lease.claim(
        due.filter(cancel_requested_at__isnull=True, tries__lt=MAX_TRIES),
        owner=worker,
        seconds=LEASE_SECONDS,
    )
    if fence is None:
        return None
    with transaction.atomic():
        run = (
            VideoRun.objects.select_for_update(of=("self",))
            .filter(public_id=run_id, fence=fence, state__in=OPEN_STATES)
            .select_related("video_session", "video_session__owner")
            .first()
        )
        if run is None:
            return None
        lost = selectors.open_agents(run)
        video_session = run.video_session
        VideoSession.objects.filter(pk=video_session.pk).update(last_attempt=F("last_attempt") + 1)
        video_session.refresh_from_db(fields=["last_attempt"])
        attempt = video_session.last_attempt
        # The lights of the attempt that was lost must not go on saying that somebody works.
        reporting.say_agents_lost(run, lost)
        run.attempt = attempt
        run.first_attempt = run.first_attempt or attempt
        run.tries += 1
        run.state = RunState.RUNNING
        run.started_at = run.started_at or clock.now()
        run.heartbeat_at = clock.now()
        run.save(
            update_fields=[
                "attempt",
                "first_attempt",
                "tries",
                "state",
                "started_at",
                "heartbeat_at",
            ]
        )
    if video_session.owner is None:
        logger.warning("video.owner_gone", extra={"run": run.public_id})
        give_up_run(run_id=run.public_id, error="owner_gone", reason="Its owner is gone.")
        return None
    return HeldRun(
        pk=run.pk,
        run_id=run.public_id,
        fence=fence,
        attempt=attempt,
        first_attempt=run.first_attempt,
        tries=run.tries,
        user_id=video_session.owner.public_id,
        session_id=video_session.public_id,
    )


def beat(held: HeldRun) -> bool:
    """Show a sign of life and keep the lease; False means somebody else took the run over."""
    row = VideoRun.objects.filter(pk=held.pk)
    if not lease.renew(row, fence=held.fence, seconds=LEASE_SECONDS):
        return False
    row.filter(fence=held.fence).update(heartbeat_at=clock.now())
    return True


def release_run(held: HeldRun) -> None:
    """Give the lease back; an open run is then due for its next attempt at once."""
    lease.release(VideoRun.objects.filter(pk=held.pk), fence=held.fence)


def forgive_try(held: HeldRun) -> None:
    """Take back the attempt that ended because its process was told to: nothing went wrong."""
    VideoRun.objects.filter(pk=held.pk, fence=held.fence, state=RunState.RUNNING).update(
        tries=F("tries") - 1
    )


def settle_run(held: HeldRun, *, error: str, reason: str) -> None:
    """See to it that a run whose attempt is over says so, and every light with it.

    Opens one transaction. Changes nothing where the last word was said, where somebody else
    holds the run, or where the attempt was ended on purpose to go on elsewhere.
    """
    with transaction.atomic():
        run = (
            VideoRun.objects.select_for_update(of=("self",))
            .select_related("video_session", "video_session__owner")
            .filter(pk=held.pk, fence=held.fence)
            .first()
        )
        if run is None or run.tries < held.tries:
            return
        if run.is_open:
            reporting.say_run_ended(run, state=RunState.FAILED, error=error, reason=reason)
        else:
            reporting.close_lights(run, error=error, reason=reason)


def give_up_run(*, run_id: str, error: str, reason: str) -> bool:
    """End an open run as failed, whoever holds it; a late worker's words then change nothing.

    Returns:
        False when it was over already.
    """
    with transaction.atomic():
        run = VideoRun.objects.select_for_update().filter(public_id=run_id).first()
        if run is None or not run.is_open:
            return False
        _end_unheld(
            run,
            lambda row: reporting.say_run_ended(
                row, state=RunState.FAILED, error=error, reason=reason
            ),
        )
    return True


def sweep_due_runs() -> int:
    """Look after every open run nobody holds: go on with it, or end it honestly.

    The recovery query of this app. Safe to run in several processes.

    Returns:
        How many were found.
    """
    found = 0
    for run in selectors.due_runs()[:100]:
        found += 1
        if run.cancel_requested_at is not None:
            _end_if_still_due(run.pk, _say_cancelled)
        elif run.tries >= MAX_TRIES:
            _end_if_still_due(run.pk, _say_lost)
        else:
            nudge(RENDER_JOB, run.public_id)
    return found


def _end_if_still_due(run_pk: int, say: Callable[[VideoRun], None]) -> None:
    with transaction.atomic():
        run = (
            VideoRun.objects.select_for_update()
            .filter(lease.unclaimed(), pk=run_pk, state__in=OPEN_STATES)
            .first()
        )
        if run is not None:
            _end_unheld(run, say)


def _end_unheld(run: VideoRun, say: Callable[[VideoRun], None]) -> None:
    """End a locked run: fence off whoever may still think it holds it, then say so."""
    VideoRun.objects.filter(pk=run.pk).update(
        fence=F("fence") + 1, lease_owner="", leased_until=None
    )
    run.refresh_from_db(fields=["fence", "lease_owner", "leased_until"])
    say(run)


def _say_cancelled(run: VideoRun) -> None:
    reporting.say_run_ended(
        run,
        state=RunState.CANCELLED,
        error=status.CANCELLED_REASON,
        reason=status.CANCELLED_REASON,
    )


def _say_lost(run: VideoRun) -> None:
    reporting.say_run_ended(
        run,
        state=RunState.FAILED,
        error=WORKER_LOST,
        reason=(
            f"The worker was lost {run.tries} times while it made this video. Try again; if it "
            "happens again, the machine may be short of memory."
        ),
    )

"""The worker's side of a run: claim it, run the orchestrator, keep the lease, hand it back.

Owns the bridge between rows and the pipeline: what it reads, where its words go, when it must
stop. Nothing here holds a transaction while the agents work.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

from django.db import DatabaseError

from agents.video import selectors
from agents.video.models import VideoRun, VideoSession
from agents.video.pipeline.types import (
    AgentName,
    AgentStatus,
    AgentUpdate,
    Fence,
    PipelineError,
    Reporter,
    RowError,
    RowLoader,
    Scene,
    Script,
    StoppedError,
    StopReason,
    VideoResult,
)
from agents.video.services import reporting, runs
from agents.video.services.runs import HeldRun
from core.live.threads import in_thread

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
"""How often a worker looks whether it must stop; a cancel is felt within this."""
BEAT_SECONDS: Final = 5.0
LEASE_MARGIN_SECONDS: Final = 5.0
RUN_SECONDS: Final = 3 * 3600.0
"""No run takes longer, whatever its steps allow themselves."""

INTERNAL_ERROR: Final = "internal_error"
_INTERNAL_REASON: Final = "Something failed on our side. Try again; the server's log says more."


class Orchestrator(Protocol):
    """What is asked of the pipeline."""

    async def start_full_test_process(self, user_id: str, session_id: str) -> VideoResult:
        """Make the video and return where it is."""
        ...

    async def stop(self, reason: StopReason) -> None:
        """Begin to stop."""
        ...


@dataclass(frozen=True, slots=True)
class RunFence:
    """The pipeline's view of a claim."""

    held: HeldRun

    @property
    def attempt(self) -> int:
        """Number of this attempt within the session."""
        return self.held.attempt

    @property
    def reusable_attempts(self) -> tuple[int, ...]:
        """Earlier attempts of this same run, newest first."""
        return tuple(range(self.held.attempt - 1, self.held.first_attempt - 1, -1))

    async def holds(self) -> bool:
        """Tell whether nobody has claimed the run since."""
        return await in_thread(_is_held)(self.held)


def build_orchestrator(*, load_row: RowLoader, report: Reporter, fence: Fence) -> Orchestrator:
    """Return the pipeline for one attempt, as the settings of this machine have it."""
    # Imported late: it loads Pillow, which no web process needs.
    from agents.video.factory import build_pipeline

    return build_pipeline(load_row=load_row, report=report, fence=fence)


def render_run(*, run_id: str) -> bool:
    """Make the video of one run, if it is due and nobody else does.

    Safe to run twice and at the same time: one claim wins. Takes as long as the video takes.

    Returns:
        Whether this call did the work, whatever came of it.
    """
    held = runs.claim_run(run_id=run_id, worker=_worker_name())
    if held is None:
        return False
    logger.info("video.run_started", extra={"run": held.run_id, "attempt": held.attempt})
    try:
        asyncio.run(_render(held))
    except StoppedError as stopped:
        if stopped.stop_reason is StopReason.SHUTDOWN:
            runs.forgive_try(held)
    except reporting.RunLostError:
        logger.warning("video.run_lost", extra={"run": held.run_id})
    except PipelineError as error:
        logger.warning("video.run_failed", extra={"run": held.run_id, "error": error.error})
    except Exception:
        logger.exception("video.run_broke", extra={"run": held.run_id})
        if _is_ending():
            runs.forgive_try(held)
            runs.release_run(held)
            return True
    runs.settle_run(held, error=INTERNAL_ERROR, reason=_INTERNAL_REASON)
    runs.release_run(held)
    return True


async def _render(held: HeldRun) -> None:
    recorder = _Recorder(held)
    orchestrator = build_orchestrator(
        load_row=load_row,
        report=recorder.report,
        fence=RunFence(held),
    )
    watching = asyncio.create_task(_watch(held, orchestrator))
    try:
        async with asyncio.timeout(RUN_SECONDS):
            result = await orchestrator.start_full_test_process(held.user_id, held.session_id)
        await recorder.finish(result)
    finally:
        watching.cancel()


class _Recorder:
    """Writes what the agents say; the last word of a good run waits for its result."""

    def __init__(self, held: HeldRun) -> None:
        self._held = held
        self._last_word: AgentUpdate | None = None

    async def report(self, update: AgentUpdate) -> None:
        """Write an update down.

        Raises:
            StoppedError: somebody else has claimed the run.
        """
        if (update.agent, update.status) == (AgentName.ORCHESTRATOR, AgentStatus.FINISHED):
            # Written with the result, so that no light is green before the video can be opened.
            self._last_word = update
            return
        try:
            await in_thread(reporting.record_update)(held=self._held, update=update)
        except reporting.RunLostError:
            raise StoppedError(StopReason.FENCED, "another attempt has taken over") from None

    async def finish(self, result: VideoResult) -> None:
        """Write the Orchestrator's last word together with what the run made."""
        update = self._last_word or AgentUpdate(
            AgentName.ORCHESTRATOR,
            AgentStatus.FINISHED,
            progress=100,
            video_key=result.video_key,
        )
        await in_thread(reporting.record_update)(held=self._held, update=update, result=result)


async def load_row(user_id: str, session_id: str) -> Script:
    """Return the script whose session and user both match, read anew.

    Raises:
        RowError: there is no such row.
    """
    return await in_thread(_read_script)(user_id, session_id)


def _read_script(user_id: str, session_id: str) -> Script:
    row = (
        VideoSession.objects.filter(
            public_id=session_id, owner__public_id=user_id, erased_at__isnull=True
        )
        .select_related("owner")
        .first()
    )
    if row is None:
        raise RowError
    return Script(
        id=session_id,
        user_id=user_id,
        title=row.title,
        language=row.language,
        scenes=tuple(Scene.from_json(scene) for scene in row.scenes),
        voice=row.voice,
    )


async def _watch(held: HeldRun, orchestrator: Orchestrator) -> None:
    """Keep the lease, and stop the orchestrator as soon as it must."""
    beaten_at = time.monotonic()
    look = in_thread(selectors.must_stop)
    beat = in_thread(runs.beat)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if _is_ending():
            await orchestrator.stop(StopReason.SHUTDOWN)
            return
        try:
            verdict = await look(held.pk, held.fence)
            if verdict is None and time.monotonic() - beaten_at >= BEAT_SECONDS:
                if not await beat(held):
                    verdict = "lost"
                beaten_at = time.monotonic()
        except DatabaseError as error:
            logger.warning("video.beat_failed", extra={"error": type(error).__name__})
            # Without a lease somebody else may begin at any moment.
            silent = time.monotonic() - beaten_at
            verdict = "lost" if silent > runs.LEASE_SECONDS - LEASE_MARGIN_SECONDS else None
        if verdict is not None:
            await orchestrator.stop(
                StopReason.CANCELLED if verdict == "cancelled" else StopReason.FENCED
            )
            return


def _is_held(held: HeldRun) -> bool:
    return VideoRun.objects.filter(pk=held.pk, fence=held.fence).exists()


def _is_ending() -> bool:
    """Tell whether this process is on its way out: job threads outlive the main one by a moment."""
    return not threading.main_thread().is_alive()


def _worker_name() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(6)}"

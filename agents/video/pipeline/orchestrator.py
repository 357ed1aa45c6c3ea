"""Runs the agents of one video: two at a time, then the third, and says honestly how it goes.

Owns the order, the failing, the stopping and the form of every status. Whoever fails is published
before anybody is waited for, and nothing an agent says after its last word gets through. Knows no
row and no socket: it reads, reports and asks for its fence through what it was given.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, Protocol

from agents.video.pipeline.context import PipelineOptions, RunContext, StepLimits
from agents.video.pipeline.types import (
    AgentName,
    AgentStatus,
    AgentUpdate,
    Fence,
    PipelineError,
    Reporter,
    RowLoader,
    StoppedError,
    StopReason,
    VideoResult,
)
from agents.video.pipeline.workspace import Workspace, disk_full_error, is_disk_full

logger = logging.getLogger(__name__)

REPORT_SECONDS: Final = 0.5
"""Progress of one agent is passed on at most this often."""
FENCE_SECONDS: Final = 2.0
STOPPED_ERROR: Final = "stopped"
FINAL: Final = (AgentStatus.FINISHED, AgentStatus.ERROR)
WEIGHTS: Final = {AgentName.AGENT2: 0.15, AgentName.AGENT4: 0.25, AgentName.AGENT5: 0.60}
"""Of the whole, for the orchestrator's own progress."""

AgentWork = Callable[[RunContext], Awaitable[Any]]


class Composer(Protocol):
    """The agent that makes the video of what the others left."""

    async def __call__(self, context: RunContext) -> VideoResult: ...


class VideoGenerationOrchestrator:
    """One attempt of one run. Made for it, used once, on one event loop.

    Args:
        load_row: reads the script; each agent calls it first.
        report: takes every status, in order.
        fence: says whether this attempt still owns the run.
        open_workspace: makes the files' place for a user and a session.
        options: of this machine.
        visuals: Agent2.
        narration: Agent4.
        composition: Agent5.
    """

    def __init__(
        self,
        *,
        load_row: RowLoader,
        report: Reporter,
        fence: Fence,
        open_workspace: Callable[[str, str], Workspace],
        options: PipelineOptions,
        visuals: AgentWork,
        narration: AgentWork,
        composition: Composer,
    ) -> None:
        self._load_row = load_row
        self._report = report
        self._fence = fence
        self._open_workspace = open_workspace
        self._options = options
        self._visuals = visuals
        self._narration = narration
        self._composition = composition
        self._latest: dict[AgentName, AgentUpdate] = {}
        self._sent_at: dict[AgentName, float] = {}
        self._costs: dict[AgentName, Decimal] = {}
        self._order = asyncio.Lock()
        self._main: asyncio.Task[Any] | None = None
        self._stopping: StopReason | None = None
        self._told: asyncio.Task[None] | None = None
        self._failure: PipelineError | None = None
        self._agents: dict[AgentName, asyncio.Task[Any]] = {}

    async def start_full_test_process(self, user_id: str, session_id: str) -> VideoResult:
        """Make the video and return where it is.

        Reports ``starting`` first, then what the agents say, and in the end ``finished`` or
        ``error`` of the orchestrator; all of it has been reported when this returns or raises.
        No process it started is left by then.

        Raises:
            PipelineError: the run failed; `agent` says who.
            StoppedError: `stop` was called, or another attempt took over (then without a word).
            asyncio.CancelledError: the task was cancelled; reported as ``cancelled``.
        """
        self._main = asyncio.current_task()
        try:
            # One group for everything, so that whatever goes wrong arrives in one form.
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(self._watch_fence())
                running = group.create_task(self._run(user_id, session_id))
                running.add_done_callback(lambda _: watching.cancel())
            return running.result()
        except asyncio.CancelledError:
            if self._stopping is None:
                await self._tell_stopped(StopReason.CANCELLED)
                raise
            if self._told is not None:
                await self._told
            if self._main is not None:
                self._main.uncancel()
            raise _stopped(self._stopping) from None
        except BaseExceptionGroup as group_error:
            raise await self._judge(group_error) from group_error

    async def stop(self, reason: StopReason) -> None:
        """Stop the run; call it on the run's own loop. The first reason counts.

        Starts ending the processes, then reports, and returns without waiting for the end:
        `start_full_test_process` raises `StoppedError` when all is gone.
        """
        if self._stopping is not None or self._main is None or self._main.done():
            return
        self._stopping = reason
        self._told = asyncio.ensure_future(self._tell_stopped(reason))
        self._main.cancel()
        await asyncio.shield(self._told)

    async def _run(self, user_id: str, session_id: str) -> VideoResult:
        await self._say(AgentName.ORCHESTRATOR, AgentStatus.STARTING, progress=0)
        workspace = self._open_workspace(user_id, session_id)
        context = RunContext(
            user_id=user_id,
            session_id=session_id,
            load_row=self._load_row,
            report=self._forward,
            workspace=workspace,
            fence=self._fence,
            options=self._options,
        )
        try:
            await workspace.open()
            async with asyncio.TaskGroup() as group:
                for agent, work in (
                    (AgentName.AGENT2, self._visuals),
                    (AgentName.AGENT4, self._narration),
                ):
                    self._agents[agent] = group.create_task(self._run_agent(agent, work, context))
            result: VideoResult = await self._run_agent(
                AgentName.AGENT5, self._composition, context
            )
        finally:
            await asyncio.shield(workspace.close())
        total = sum(self._costs.values(), Decimal(0))
        await self._say(
            AgentName.ORCHESTRATOR,
            AgentStatus.FINISHED,
            progress=100,
            video_key=result.video_key,
            info={"duration_seconds": round(result.duration_seconds, 3)},
        )
        return replace(result, cost_usd=total)

    async def _run_agent(self, agent: AgentName, work: AgentWork, context: RunContext) -> Any:
        """Run one agent; when it fails, stop the others and say so before this raises."""
        try:
            return await work(context)
        except PipelineError as error:
            await self._fail(error, agent)
            raise
        except Exception as error:
            if is_disk_full(error):
                failure = disk_full_error()
            else:
                logger.exception("video.agent_failed", extra={"agent": agent.value})
                failure = PipelineError(
                    "internal_error", f"{agent.value} met an unexpected fault; the log has more."
                )
            await self._fail(failure, agent)
            raise failure from error

    async def _fail(self, error: PipelineError, agent: AgentName) -> None:
        if self._failure is not None or self._stopping is not None:
            return
        if isinstance(error, StoppedError):
            return
        error.agent = error.agent or agent
        self._failure = error
        for other, task in self._agents.items():
            if other is not agent:
                # Begins to end its processes now; the group waits for them after this raises.
                task.cancel()
        await self._say(agent, AgentStatus.ERROR, error=error.error, reason=error.reason)
        await self._close_open(STOPPED_ERROR, f"stopped because {agent.value} failed")
        await self._say(
            AgentName.ORCHESTRATOR, AgentStatus.ERROR, error=error.error, reason=error.reason
        )

    async def _judge(self, group_error: BaseExceptionGroup[BaseException]) -> PipelineError:
        """Return the one error a group of them stands for, reported if it was not yet."""
        if self._stopping is not None:
            if self._told is not None:
                await self._told
            return _stopped(self._stopping)
        if self._failure is not None:
            return self._failure
        leaves = list(_leaves(group_error))
        for leaf in leaves:
            if isinstance(leaf, StoppedError):
                return leaf
        error = next((leaf for leaf in leaves if isinstance(leaf, PipelineError)), None)
        if error is None:
            logger.error("video.run_failed", exc_info=group_error)
            error = PipelineError(
                "internal_error", "The orchestrator met an unexpected fault; the log has more."
            )
        error.agent = error.agent or AgentName.ORCHESTRATOR
        self._failure = error
        await self._close_open(STOPPED_ERROR, "stopped because the Orchestrator failed")
        await self._say(
            AgentName.ORCHESTRATOR, AgentStatus.ERROR, error=error.error, reason=error.reason
        )
        return error

    async def _tell_stopped(self, reason: StopReason) -> None:
        if reason is StopReason.CANCELLED:
            await self._close_open(reason.value, reason.value)
            await self._say(
                AgentName.ORCHESTRATOR, AgentStatus.ERROR, error=reason.value, reason=reason.value
            )
        else:
            # Somebody else speaks for the run from now on.
            for agent in AgentName:
                self._latest[agent] = AgentUpdate(agent, AgentStatus.ERROR)

    async def _close_open(self, error: str, reason: str) -> None:
        """Say the last word of every agent that has begun and not ended."""
        for agent, update in list(self._latest.items()):
            if agent is not AgentName.ORCHESTRATOR and update.status not in FINAL:
                await self._say(agent, AgentStatus.ERROR, error=error, reason=reason)

    async def _watch_fence(self) -> None:
        while True:
            await asyncio.sleep(FENCE_SECONDS)
            if not await self._fence.holds():
                raise _stopped(StopReason.FENCED)

    async def _say(self, agent: AgentName, status: AgentStatus, **fields: Any) -> None:
        await self._forward(AgentUpdate(agent, status, **fields))

    async def _forward(self, update: AgentUpdate) -> None:
        """Bring a status into the common form and pass it on; the callback every agent gets."""
        async with self._order:
            before = self._latest.get(update.agent)
            if before is not None and before.status in FINAL:
                return
            progress = self._read_progress(update, before)
            spent = sum((one.amount_usd for one in update.new_costs), Decimal(0))
            self._costs[update.agent] = self._costs.get(update.agent, Decimal(0)) + spent
            cost = (
                sum(self._costs.values(), Decimal(0))
                if update.agent is AgentName.ORCHESTRATOR
                else self._costs[update.agent]
            )
            update = replace(update, progress=progress, cost=cost)
            is_news = (
                before is None
                or before.status is not update.status
                or bool(update.new_costs)
                or time.monotonic() - self._sent_at[update.agent] >= REPORT_SECONDS
            )
            if not is_news:
                return
            self._latest[update.agent] = update
            self._sent_at[update.agent] = time.monotonic()
            await self._write(update)
        if update.agent is not AgentName.ORCHESTRATOR and update.status is not AgentStatus.ERROR:
            await self._say(
                AgentName.ORCHESTRATOR, AgentStatus.PROCESSING, progress=self._total_progress()
            )

    async def _write(self, update: AgentUpdate) -> None:
        """Report, and when cancelled meanwhile, see it through: the next word must come after it.

        A row is written in a thread, which a cancelled task would leave behind.
        """
        writing = asyncio.ensure_future(self._report(update))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise

    def _read_progress(self, update: AgentUpdate, before: AgentUpdate | None) -> float | None:
        if update.status is AgentStatus.FINISHED:
            return 100.0
        earlier = before.progress if before is not None else None
        if update.progress is None or update.status is AgentStatus.ERROR:
            return earlier
        # 100 is kept for what is finished; it never goes back.
        return max(earlier or 0.0, min(99.0, max(0.0, round(update.progress, 1))))

    def _total_progress(self) -> float:
        return sum(
            weight * (self._latest[agent].progress or 0.0)
            for agent, weight in WEIGHTS.items()
            if agent in self._latest
        )


def limit_of(limits: StepLimits, *, scenes: int = 0, characters: int = 0) -> tuple[float, float]:
    """Return how long visuals and narration may take for a script of this size, in seconds."""
    return (
        limits.visuals_base + limits.visuals_a_scene * scenes,
        limits.narration_base + limits.narration_a_character * characters,
    )


def _stopped(reason: StopReason) -> StoppedError:
    words = {
        StopReason.CANCELLED: "cancelled",
        StopReason.FENCED: "another attempt has taken the run over",
        StopReason.SHUTDOWN: "this process ends; another attempt goes on",
    }
    return StoppedError(reason, words[reason])


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found

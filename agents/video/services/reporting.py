"""What agents say, written down: the message, the light, the costs and the run's own state.

One transaction holds them all, so a light and the state of its run never contradict each other.
Knows no worker and no socket: `core.live` publishes what is committed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Sum

from agents.video import selectors
from agents.video.models import (
    AGENT_TRANSITIONS,
    AgentCost,
    AgentName,
    AgentStatus,
    RunAgent,
    RunState,
    VideoRun,
)
from agents.video.pipeline.types import AgentUpdate, Cost, VideoResult
from agents.video.status import (
    CANCELLED_REASON,
    EVENT_TYPE,
    MAX_INFO_ENTRIES,
    build_status,
)
from core import clock
from core.live import append_event

logger = logging.getLogger(__name__)

INFO_TEXT_LENGTH = 200
LOST_ERROR = "worker_lost"


class RunLostError(Exception):
    """The run belongs to another attempt by now; nothing was written."""


class Holder(Protocol):
    """What a write must name: the run and the number under which it is held."""

    @property
    def pk(self) -> int:
        """Primary key of the run."""
        ...

    @property
    def fence(self) -> int:
        """Number of the claim."""
        ...


@dataclass(frozen=True, slots=True)
class _Said:
    """One thing to say about one agent."""

    agent: str
    status: str
    error: str = ""
    reason: str = ""
    progress: float | None = None
    file_count: int | None = None
    video_key: str = ""
    info: Mapping[str, Any] | None = None


def record_update(*, held: Holder, update: AgentUpdate, result: VideoResult | None = None) -> bool:
    """Write down what an agent said and publish it when that commits.

    Opens one transaction. The Orchestrator's last word also ends the run. Words that come after
    an agent's own last one, or after the run's end, are dropped; only the errors of agents that
    were stopped still count then.

    Args:
        held: under which claim.
        update: from the pipeline.
        result: with the Orchestrator's ``finished``.

    Returns:
        False when it came too late to count.

    Raises:
        RunLostError: somebody else has claimed the run since; nothing was written.
    """
    with transaction.atomic():
        run = (
            VideoRun.objects.select_for_update(of=("self",))
            .select_related("video_session", "video_session__owner")
            .filter(pk=held.pk, fence=held.fence)
            .first()
        )
        if run is None:
            raise RunLostError
        agent, status = AgentName(update.agent.value), AgentStatus(update.status.value)
        _add_costs(run, agent, update.new_costs)
        if not _counts(run, agent, status):
            return False
        run.heartbeat_at = clock.now()
        run.save(update_fields=["heartbeat_at"])
        error, reason = update.error, update.reason
        if status is AgentStatus.ERROR:
            error = error or "failed"
            reason = reason or error
        said = _Said(
            agent=agent,
            status=status,
            error=error,
            reason=reason,
            progress=update.progress,
            file_count=update.file_count,
            video_key=update.video_key,
            info=update.info,
        )
        if agent is AgentName.ORCHESTRATOR:
            _end_run_if_said(run, said, result)
        _say(run, said)
    return True


def say_run_ended(run: VideoRun, *, state: RunState, error: str, reason: str) -> None:
    """End a run from outside: its state, the Orchestrator's light and every light still on.

    Call it inside the transaction that holds the run's row locked.
    """
    lost = selectors.open_agents(run)
    _set_ended(run, state, error=error, reason=reason)
    _say(
        run,
        _Said(agent=AgentName.ORCHESTRATOR, status=AgentStatus.ERROR, error=error, reason=reason),
    )
    for agent in lost:
        _say(
            run,
            _Said(agent=agent.agent, status=AgentStatus.ERROR, error=error, reason=reason),
        )


def say_agents_lost(run: VideoRun, agents: Sequence[RunAgent]) -> None:
    """Say of agents whose worker died that they stopped; a new attempt starts them again.

    Call it inside the transaction that begins the next attempt.
    """
    for agent in agents:
        _say(
            run,
            _Said(
                agent=agent.agent,
                status=AgentStatus.ERROR,
                error=LOST_ERROR,
                reason="The worker was lost; another one begins again.",
            ),
        )


def close_lights(run: VideoRun, *, error: str, reason: str) -> None:
    """End the lights of agents that said no last word although their run is over.

    Call it inside the transaction that holds the run's row locked. Idempotent.
    """
    for agent in selectors.open_agents(run):
        _say(run, _Said(agent.agent, AgentStatus.ERROR, error=error, reason=reason))


def _counts(run: VideoRun, agent: str, status: str) -> bool:
    latest = RunAgent.objects.filter(run=run, agent=agent, attempt=run.attempt).first()
    if latest is not None:
        allowed = AGENT_TRANSITIONS[AgentStatus(latest.status)]
        if AgentStatus(status) not in allowed:
            logger.info("video.status_too_late", extra={"run": run.public_id, "agent": agent})
            return False
    # A sibling is still on its way down when the run has ended.
    return run.is_open or (status == AgentStatus.ERROR and latest is not None)


def _end_run_if_said(run: VideoRun, said: _Said, result: VideoResult | None) -> None:
    if said.status == AgentStatus.FINISHED:
        if result is None:
            raise ValueError("a finished run comes with its result")
        run.video_key = result.video_key
        run.captions_key = result.captions_key
        run.chapters_key = result.chapters_key
        run.duration_seconds = result.duration_seconds
        run.size_bytes = result.size_bytes
        _set_ended(run, RunState.FINISHED)
    elif said.status == AgentStatus.ERROR:
        was_cancelled = said.error == CANCELLED_REASON and run.cancel_requested_at is not None
        state = RunState.CANCELLED if was_cancelled else RunState.FAILED
        _set_ended(run, state, error=said.error, reason=said.reason)


def _set_ended(run: VideoRun, state: RunState, *, error: str = "", reason: str = "") -> None:
    if not run.may_become(state):
        raise ValueError(f"a run that is {run.state} cannot become {state}")
    run.state = state
    run.error = error[:200]
    run.reason = reason[:500]
    run.ended_at = clock.now()
    run.save()


def _say(run: VideoRun, said: _Said) -> int:
    video_session = run.video_session
    owner = video_session.owner
    message = build_status(
        agent=said.agent,
        # A person who is gone has no id left; nobody can open the stream then either.
        user_id=owner.public_id if owner is not None else "gone",
        session_id=video_session.public_id,
        run_id=run.public_id,
        status=said.status,
        timestamp=int(clock.now().timestamp()),
        error=said.error,
        reason=said.reason,
        progress=said.progress,
        file_count=said.file_count,
        cost=float(_spent(run, said.agent)),
        info=_tell({**(said.info or {}), "attempt": run.tries}),
        video_key=said.video_key,
    )
    seq = append_event(stream=video_session.stream_name, type=EVENT_TYPE, payload=message)
    RunAgent.objects.update_or_create(
        run=run,
        agent=said.agent,
        defaults={
            "attempt": run.attempt,
            "status": said.status,
            "seq": seq,
            "message": message,
            "updated_at": clock.now(),
        },
    )
    return seq


def _add_costs(run: VideoRun, agent: str, costs: Sequence[Cost]) -> None:
    AgentCost.objects.bulk_create(
        [
            AgentCost(
                run=run,
                attempt=run.attempt,
                agent=agent,
                provider=cost.provider,
                unit=cost.unit,
                quantity=cost.quantity,
                amount_usd=cost.amount_usd,
                reference=cost.reference,
            )
            for cost in costs
        ],
        # The same request reported twice is one request.
        ignore_conflicts=True,
    )


def _spent(run: VideoRun, agent: str) -> Decimal:
    rows = AgentCost.objects.filter(run=run)
    if agent != AgentName.ORCHESTRATOR:
        rows = rows.filter(agent=agent)
    total: Decimal | None = rows.aggregate(total=Sum("amount_usd"))["total"]
    return total or Decimal(0)


def _tell(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries a status message may carry: few, and each a plain value."""
    told: dict[str, Any] = {}
    for name, value in list(info.items())[-MAX_INFO_ENTRIES:]:
        if value is None or isinstance(value, bool | int | float):
            told[str(name)] = value
        elif isinstance(value, str):
            told[str(name)] = value[:INFO_TEXT_LENGTH]
        else:
            told[str(name)] = json.dumps(value, default=str)[:INFO_TEXT_LENGTH]
    return told

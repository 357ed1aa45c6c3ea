"""Reads of videos, each for the person who asks.

A video has one owner, who alone changes and starts it. What was made of a company's survey is the
company's as well: its researchers see and watch it, and whoever left the company does not.

Opens no transaction and writes nothing. Those marked for the worker take a run it holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum

from accounts.models import Membership, Role, User
from agents.video.models import (
    OPEN_STATES,
    AgentCost,
    AgentName,
    Origin,
    RunAgent,
    RunState,
    VideoRun,
    VideoSession,
)
from core.errors import NotFoundError
from core.ids import is_id
from core.lease import unclaimed
from core.live.selectors import MAX_EVENTS_PER_READ, read_events, read_latest_events

LOG_LENGTH = 200


class VideoNotFoundError(NotFoundError):
    """No such video, or none of the one who asks: the two are told apart for nobody."""

    def __init__(self) -> None:
        super().__init__(
            "video_session_not_found", "There is no such video of yours. Check the session id."
        )


class RunNotFoundError(NotFoundError):
    """No such run, or none of the one who asks."""

    def __init__(self) -> None:
        super().__init__("video_run_not_found", "There is no such run of yours. Check the run id.")


_COMPANYS_OWN = Q(origin=Origin.SURVEY, company__isnull=False)


def _in_companies_of(person_pk: int) -> Q:
    """Return the condition of videos of the companies whose surveys a person works with."""
    researching = Membership.objects.filter(
        user=person_pk, user__is_active=True, role__in=(Role.OWNER, Role.MEMBER)
    )
    return Q(company__in=researching.values("company"))


def _all() -> QuerySet[VideoSession]:
    return (
        VideoSession.objects.filter(erased_at__isnull=True)
        .select_related("company", "owner")
        .order_by("-created_at", "-pk")
    )


def videos_of(owner: User) -> QuerySet[VideoSession]:
    """Return the videos a person may change, newest first: their own.

    Those of a survey stay with the company when the person leaves it.
    """
    return _all().filter(~_COMPANYS_OWN | _in_companies_of(owner.pk), owner=owner)


def visible_videos(person: User) -> QuerySet[VideoSession]:
    """Return the videos a person may watch, newest first: their own and those of the surveys of
    their companies.
    """
    return _all().filter(_is_visible_to(person.pk))


def _is_visible_to(person_pk: int) -> Q:
    return (Q(owner=person_pk) & ~_COMPANYS_OWN) | (_COMPANYS_OWN & _in_companies_of(person_pk))


def videos_made_of(person: User, *, origin: str, origin_ref: str) -> QuerySet[VideoSession]:
    """Return the videos of one thing a person may watch, newest first, with their latest runs."""
    return with_latest_run(visible_videos(person).filter(origin=origin, origin_ref=origin_ref))


def with_latest_run(videos: QuerySet[VideoSession]) -> QuerySet[VideoSession]:
    """Return videos with the state and moment of the latest run of each, annotated."""
    latest = VideoRun.objects.filter(video_session=OuterRef("pk")).order_by("-pk")
    return videos.annotate(
        run_state=Subquery(latest.values("state")[:1]),
        run_created_at=Subquery(latest.values("created_at")[:1]),
        run_seconds=Subquery(latest.values("duration_seconds")[:1]),
        run_heartbeat_at=Subquery(latest.values("heartbeat_at")[:1]),
    )


def find_video(owner: User, session_id: str) -> VideoSession:
    """Return one video a person may change.

    Raises:
        VideoNotFoundError: none of this person has this id.
    """
    if is_id(session_id, "video"):
        found = videos_of(owner).filter(public_id=session_id).first()
        if found is not None:
            return found
    raise VideoNotFoundError


def find_visible_video(person: User, session_id: str) -> VideoSession:
    """Return one video a person may watch.

    Raises:
        VideoNotFoundError: none of this id, or not for this person.
    """
    if is_id(session_id, "video"):
        found = visible_videos(person).filter(public_id=session_id).first()
        if found is not None:
            return found
    raise VideoNotFoundError


def may_watch(user_pk: int, video_session_pk: int) -> bool:
    """Tell whether an active person may watch a video that is still there."""
    return (
        User.objects.filter(pk=user_pk, is_active=True).exists()
        and _all().filter(_is_visible_to(user_pk), pk=video_session_pk).exists()
    )


def runs_of(video_session: VideoSession) -> QuerySet[VideoRun]:
    """Return the runs of a video the caller has found for who asks, newest first."""
    return (
        VideoRun.objects.filter(video_session=video_session)
        .select_related("video_session")
        .order_by("-created_at", "-pk")
    )


def find_run(owner: User, run_id: str) -> VideoRun:
    """Return one run a person may cancel and start again.

    Raises:
        RunNotFoundError: none of this person has this id.
    """
    return _find_run(run_id, videos_of(owner))


def find_visible_run(person: User, run_id: str) -> VideoRun:
    """Return one run a person may watch.

    Raises:
        RunNotFoundError: none of this id, or not for this person.
    """
    return _find_run(run_id, visible_videos(person))


def _find_run(run_id: str, videos: QuerySet[VideoSession]) -> VideoRun:
    if is_id(run_id, "run"):
        found = (
            VideoRun.objects.select_related("video_session", "video_session__owner")
            .filter(public_id=run_id, video_session__in=videos.order_by().values("pk"))
            .first()
        )
        if found is not None:
            return found
    raise RunNotFoundError


def latest_run(video_session: VideoSession) -> VideoRun | None:
    """Return the newest run of a video the caller has found for its owner."""
    return VideoRun.objects.filter(video_session=video_session).order_by("-pk").first()


def latest_finished_run(video_session: VideoSession) -> VideoRun | None:
    """Return the newest run that made a video."""
    return (
        VideoRun.objects.filter(
            video_session=video_session, state=RunState.FINISHED, withdrawn_at__isnull=True
        )
        .order_by("-pk")
        .first()
    )


def latest_messages(video_session_pk: int) -> list[tuple[int, dict[str, Any]]]:
    """Return number and stored message of the latest word of each agent in the newest run."""
    newest = VideoRun.objects.filter(video_session=video_session_pk).order_by("-pk").values("pk")
    rows = RunAgent.objects.filter(run=Subquery(newest[:1])).order_by("seq")
    return [(row.seq, row.message) for row in rows]


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """One status message as stored, with its number."""

    seq: int
    message: dict[str, Any]


def messages_after(
    video_session: VideoSession, *, after: int, limit: int = MAX_EVENTS_PER_READ
) -> list[StoredStatus]:
    """Return the status messages of a person's video after a number, in order."""
    events = read_events(video_session.stream_name, after, limit)
    return [StoredStatus(event.seq, event.payload) for event in events]


def log_of(video_session: VideoSession, run: VideoRun) -> list[StoredStatus]:
    """Return the last status messages of one run, in order."""
    events = read_latest_events(video_session.stream_name, LOG_LENGTH)
    return [
        StoredStatus(event.seq, event.payload)
        for event in events
        if event.payload.get("run") == run.public_id
    ]


def costs_of(run: VideoRun) -> dict[str, Decimal]:
    """Return what each agent of a run has spent in US dollars, over all attempts."""
    rows = (
        AgentCost.objects.filter(run=run).values("agent").annotate(total=Sum("amount_usd"))
    ).values_list("agent", "total")
    return dict(rows)


@dataclass(frozen=True, slots=True)
class CostLine:
    """What one agent used of one provider."""

    agent: str
    provider: str
    unit: str
    quantity: Decimal
    amount_usd: Decimal


def cost_lines_of(run: VideoRun) -> list[CostLine]:
    """Return the ledger of a run, summed by agent, provider and unit."""
    rows = (
        AgentCost.objects.filter(run=run)
        .values("agent", "provider", "unit")
        .annotate(used=Sum("quantity"), total=Sum("amount_usd"))
        .order_by("agent", "provider", "unit")
    )
    return [
        CostLine(row["agent"], row["provider"], row["unit"], row["used"], row["total"])
        for row in rows
    ]


def count_open_runs(owner: User) -> int:
    """Return how many runs of a person wait or run."""
    return VideoRun.objects.filter(video_session__owner=owner, state__in=OPEN_STATES).count()


def due_runs() -> QuerySet[VideoRun]:
    """Return open runs nobody holds, oldest first: for the worker's recovery query."""
    return VideoRun.objects.filter(unclaimed(), state__in=OPEN_STATES).order_by("pk")


def must_stop(run_pk: int, fence: int) -> Literal["lost", "cancelled"] | None:
    """Return why the holder of a run must stop, if it must: for the worker."""
    rows = VideoRun.objects.filter(pk=run_pk, fence=fence)
    found = rows.values_list("state", "cancel_requested_at").first()
    if found is None:
        return "lost"
    state, cancel_requested_at = found
    return "cancelled" if cancel_requested_at and state in OPEN_STATES else None


def runs_ahead_of(run: VideoRun) -> int:
    """Return how many open runs were asked for before this one, for its owner's page."""
    return VideoRun.objects.filter(state__in=OPEN_STATES, pk__lt=run.pk).count()


def sessions_with_rest(before: Any) -> QuerySet[VideoSession]:
    """Return sessions with files to sweep: for the worker.

    Args:
        before: runs that ended before this moment have nothing left to reuse.
    """
    loose = Q(runs__ended_at__lt=before, runs__swept_at__isnull=True)
    erased = Q(erased_at__isnull=False, files_erased_at__isnull=True)
    withdrawn = Q(runs__withdrawn_at__isnull=False, runs__swept_at__isnull=True)
    return (
        VideoSession.objects.filter(loose | erased | withdrawn)
        .exclude(runs__state__in=OPEN_STATES)
        .select_related("owner")
        .distinct()
        .order_by("pk")
    )


def finished_keys(video_session: VideoSession) -> list[str]:
    """Return every storage key a finished run of the session shows: for the worker."""
    rows: Iterable[tuple[str, str, str]] = VideoRun.objects.filter(
        video_session=video_session, state=RunState.FINISHED, withdrawn_at__isnull=True
    ).values_list("video_key", "captions_key", "chapters_key")
    return [key for row in rows for key in row if key]


def open_agents(run: VideoRun) -> list[RunAgent]:
    """Return the agents of a run that have not come to an end in its present attempt."""
    return list(
        RunAgent.objects.filter(run=run, attempt=F("run__attempt"))
        .exclude(status__in=("finished", "error"))
        .exclude(agent=AgentName.ORCHESTRATOR)
        .order_by("agent")
    )

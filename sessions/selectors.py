"""Reads of conversations, each scoped to whoever asks: a token, a person, a company.

Opens no transaction and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Avg, Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import Company, Role, User
from core import clock, tokens
from core.errors import AuthenticationFailedError, NotFoundError
from core.ids import is_id
from core.live import last_seq
from sessions.models import (
    EndReason,
    LatencyKind,
    SegmentRole,
    SessionRecording,
    TranscriptSegment,
    VoiceLatency,
    VoiceSession,
    VoiceUsage,
)
from sessions.origins import is_origin_allowed

WATCHING_ROLES = (Role.OWNER, Role.MEMBER)
"""Operators have the inbox, not the surveys."""

_TOKEN = re.compile(r"st_[A-Za-z0-9_-]{43}")


class SessionNotFoundError(NotFoundError):
    """No such conversation, or none the caller may know of: the two are told apart for nobody."""

    def __init__(self) -> None:
        super().__init__(
            "session_not_found", "There is no such conversation here. Check the session id."
        )


class SessionTokenError(AuthenticationFailedError):
    """The participant's token opens nothing."""

    def __init__(self) -> None:
        super().__init__(
            "session_token_invalid",
            "This session token is wrong or has expired. Start the conversation again.",
        )


def authenticate_token(plain: str) -> VoiceSession:
    """Return the conversation a participant's token belongs to, ended ones included.

    The token goes on opening an ended conversation until it expires, for its stored answer only:
    every service refuses to go on with one.

    Raises:
        SessionTokenError: unknown, malformed, expired, or of an erased conversation.
    """
    if not _TOKEN.fullmatch(plain):
        raise SessionTokenError
    found = (
        VoiceSession.objects.filter(token_digest=tokens.digest(plain))
        .filter(token_expires_at__gt=clock.now())
        .exclude(end_reason=EndReason.ERASED)[:1]
    )
    # A visitor waits behind this at every step: neither company nor owner is joined to it.
    for voice_session in found:
        return voice_session
    raise SessionTokenError


def is_token_alive(voice_session_pk: int, digest: str) -> bool:
    """Tell whether a token that opened the conversation still does."""
    return (
        VoiceSession.objects.filter(
            pk=voice_session_pk, token_digest=digest, token_expires_at__gt=clock.now()
        )
        .exclude(end_reason=EndReason.ERASED)
        .exists()
    )


def find_for_token(voice_session: VoiceSession, public_id: str) -> VoiceSession:
    """Return the token's conversation if it is the one asked for.

    Raises:
        SessionNotFoundError: the token belongs to another conversation.
    """
    if voice_session.public_id != public_id:
        raise SessionNotFoundError
    return voice_session


def find_for_owner(user: User, public_id: str) -> VoiceSession:
    """Return a conversation the person started.

    Raises:
        SessionNotFoundError: there is none of theirs.
    """
    return _find(VoiceSession.objects.filter(owner=user), public_id)


def find_for_company(company: Company, public_id: str) -> VoiceSession:
    """Return a conversation of the company.

    Raises:
        SessionNotFoundError: the company has none of this id.
    """
    return _find(VoiceSession.objects.filter(company=company), public_id)


def find_for_reader(user: User, public_id: str) -> VoiceSession:
    """Return a conversation whose transcript the person may read: their own or a company's.

    Raises:
        SessionNotFoundError: there is none.
    """
    readable = VoiceSession.objects.filter(
        Q(owner=user)
        | Q(company__memberships__user=user, company__memberships__role__in=WATCHING_ROLES)
    )
    return _find(readable.distinct(), public_id)


def may_watch(user_pk: int, voice_session_pk: int) -> bool:
    """Tell whether the person is still an active owner or member of the company."""
    return VoiceSession.objects.filter(
        pk=voice_session_pk,
        company__memberships__user_id=user_pk,
        company__memberships__user__is_active=True,
        company__memberships__role__in=WATCHING_ROLES,
    ).exists()


def is_owner(user_pk: int, voice_session_pk: int) -> bool:
    """Tell whether the person, still active, started the conversation."""
    return VoiceSession.objects.filter(
        pk=voice_session_pk, owner_id=user_pk, owner__is_active=True
    ).exists()


def origin_is_allowed(
    session_public_id: str, origin: str, *, own_origin: str | None = None
) -> bool:
    """Tell whether pages of an origin may call the routes of a conversation, for CORS.

    A preflight carries no credential, so this one takes the id alone; it tells of the
    conversation no more than whether the origin is on its list.
    """
    if not is_id(session_public_id, "session"):
        return False
    found = (
        VoiceSession.objects.filter(public_id=session_public_id)
        .only("kind", "allowed_origins")
        .first()
    )
    return found is not None and is_origin_allowed(found, origin, own_origin=own_origin)


def list_segments(voice_session: VoiceSession) -> list[TranscriptSegment]:
    """Return the transcript in order, late turns included."""
    return list(voice_session.segments.select_related("recording").order_by("position"))


def read_session(voice_session_pk: int) -> VoiceSession:
    """Return the row as it stands now, for whoever was let in to it before."""
    return VoiceSession.objects.select_related("company").get(pk=voice_session_pk)


@dataclass(frozen=True, slots=True)
class SnapshotRows:
    """One consistent enough sight of a conversation."""

    voice_session: VoiceSession
    segments: list[TranscriptSegment]
    seq: int
    """The stream's number up to which the rest is complete; it may hold a little more."""


def read_snapshot(voice_session_pk: int) -> SnapshotRows:
    """Return a conversation with its transcript and the number it is complete up to.

    The number is read first: what commits in between is in the rows and comes again as an event,
    which clients recognise by its segment id.
    """
    row = VoiceSession.objects.get(pk=voice_session_pk)
    seq = last_seq(row.stream_name)
    row.refresh_from_db()
    segments = [segment for segment in list_segments(row) if not segment.is_late]
    return SnapshotRows(row, segments, seq)


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What a person narrows the list of their conversations by; None and empty mean all."""

    kind: str = ""
    status: str = ""
    language: str = ""
    transport: str = ""
    since: date | None = None
    until: date | None = None
    words: str = ""
    """Words that occur in what was said."""


def list_history(user: User, narrowed: HistoryFilter) -> QuerySet[VoiceSession]:
    """Return the person's own conversations, newest first.

    Each carries ``turn_count``, ``has_recording``, and of voice ``cost_micros`` and the mean
    ``latency_ms`` from the end of speech to the first sound; where nobody spoke, from a typed
    turn to its reply.
    """
    found = VoiceSession.objects.filter(owner=user).exclude(end_reason=EndReason.ERASED)
    if narrowed.kind:
        found = found.filter(kind=narrowed.kind)
    if narrowed.status:
        found = found.filter(status=narrowed.status)
    if narrowed.language:
        found = found.filter(language=narrowed.language)
    if narrowed.since is not None:
        found = found.filter(created_at__date__gte=narrowed.since)
    if narrowed.until is not None:
        found = found.filter(created_at__date__lte=narrowed.until)
    if narrowed.words:
        spoken = TranscriptSegment.objects.filter(text__icontains=narrowed.words)
        found = found.filter(pk__in=spoken.values("voice_session_id"))
    if narrowed.transport:
        found = found.filter(transport=narrowed.transport)
    recorded = SessionRecording.objects.filter(
        voice_session=OuterRef("pk"), erase_requested_at__isnull=True
    )
    spent = VoiceUsage.objects.filter(voice_session=OuterRef("pk")).values("voice_session")
    waited = VoiceLatency.objects.filter(
        voice_session=OuterRef("pk"), kind=LatencyKind.FIRST_AUDIO
    ).values("voice_session")
    answered = TranscriptSegment.objects.filter(
        voice_session=OuterRef("pk"), latency_ms__isnull=False
    ).values("voice_session")
    # Subqueries, so that no join multiplies another one's rows.
    return found.annotate(
        turn_count=Count("segments", filter=Q(segments__role=SegmentRole.USER)),
        has_recording=Exists(recorded),
        cost_micros=Subquery(spent.annotate(sum=Sum("cost_micros")).values("sum")[:1]),
        latency_ms=Coalesce(
            Subquery(waited.annotate(mean=Avg("milliseconds")).values("mean")[:1]),
            Subquery(answered.annotate(mean=Avg("latency_ms")).values("mean")[:1]),
        ),
    ).order_by("-created_at", "-pk")


def list_languages(user: User) -> Sequence[str]:
    """Return the languages of the person's conversations, for a filter."""
    return list(
        VoiceSession.objects.filter(owner=user)
        .order_by("language")
        .values_list("language", flat=True)
        .distinct()
    )


def _find(candidates: QuerySet[VoiceSession], public_id: str) -> VoiceSession:
    if not is_id(public_id, "session"):
        raise SessionNotFoundError
    found = candidates.select_related("company", "owner").filter(public_id=public_id).first()
    if found is None:
        raise SessionNotFoundError
    return found

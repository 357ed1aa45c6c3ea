"""The live agent of a conversation, as rows: who runs it, by what way, and what it leaves behind.

Owns the choice of the transport, the agent's lease and what is stored of speech. Runs no agent:
that is `sessions.voice`, which calls this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Q

from core import clock, lease, ratelimit
from core.errors import ConflictError, InvalidInputError
from core.jobs import nudge
from core.live import append_event, publish_ephemeral
from core.live.publishing import publish
from sessions import limits, payloads
from sessions.livekit import rooms as livekit_rooms
from sessions.models import (
    LatencyKind,
    SegmentRole,
    SegmentSource,
    SessionMode,
    SessionStatus,
    TranscriptSegment,
    Transport,
    UsagePart,
    VoiceLatency,
    VoiceSession,
    VoiceUsage,
)
from sessions.services.conversations import commit_segment, lock_session, refuse_if_ended
from sessions.services.endings import DELETE_ROOM_JOB
from sessions.transports import list_transports

AUTO = "auto"
WAITING_ROOMS = "voice-rooms"
"""The stream on which rooms ring for an agent."""
NOTHING_HEARD = "…"
"""What stands for an utterance that was cut before any of it was heard."""


class TransportUnavailableError(ConflictError):
    """This server cannot carry the conversation that way."""

    def __init__(self, language: str) -> None:
        super().__init__(
            "transport_unavailable",
            "This server cannot carry a conversation that way. Use one of transports, or auto.",
            extra={"transports": [str(known) for known in list_transports(language)]},
        )


def choose_transport(wanted: str, *, mode: str, language: str) -> Transport:
    """Return what carries a conversation.

    ``auto`` takes a LiveKit room where one is configured and its server answers, else browser
    audio where there is a speech engine for the language, else typing. May ask the LiveKit
    server, so never call it inside a transaction.

    Raises:
        InvalidInputError: no such transport.
        TransportUnavailableError: this server has it not, or not for this language.
    """
    known = list_transports(language)
    if wanted == AUTO:
        if mode != SessionMode.VOICE:
            return Transport.TYPING
        if Transport.LIVEKIT in known and livekit_rooms.is_reachable():
            return Transport.LIVEKIT
        return Transport.BROWSER_AUDIO if Transport.BROWSER_AUDIO in known else Transport.TYPING
    if wanted not in Transport.values:
        raise InvalidInputError("transport_unknown", "transport is auto or a known transport.")
    if wanted not in known:
        raise TransportUnavailableError(language)
    return Transport(wanted)


def switch_transport(*, voice_session: VoiceSession, transport: str) -> VoiceSession:
    """Go on by voice, or by typing again. Repeating it changes nothing.

    A live agent that carries the old transport ends by itself when it sees the change; a room
    gets its agent from whichever process runs rooms.

    Args:
        transport: ``auto`` for voice by the best way there is, or one this server has.

    Raises:
        InvalidInputError, TransportUnavailableError: see `choose_transport`.
        SessionEndedError, ConversationErasedError: it is over.
        RateLimitedError: more than `limits.CONTROLS_PER_MINUTE`.
    """
    refuse_if_ended(voice_session)
    ratelimit.hit(
        scope="session.transport",
        key=voice_session.public_id,
        limit=limits.CONTROLS_PER_MINUTE,
        window_seconds=60,
    )
    chosen = choose_transport(transport, mode=SessionMode.VOICE, language=voice_session.language)
    with transaction.atomic():
        row = lock_session(voice_session.pk)
        refuse_if_ended(row)
        set_transport(row, chosen)
        row.save(update_fields=["mode", "transport", "agent_due_at", "room_is_open"])
        ring_if_wanted(row)
    return row


def set_transport(row: VoiceSession, transport: Transport) -> None:
    """Set the columns that follow from a transport. Does not save."""
    is_room = transport == Transport.LIVEKIT
    row.mode = SessionMode.TEXT if transport == Transport.TYPING else SessionMode.VOICE
    row.transport = transport
    # The moment stays for as long as an agent is wanted: should the process that runs it die,
    # the lease runs out and another one finds the room waiting.
    row.agent_due_at = (row.agent_due_at or clock.now()) if is_room else None
    row.room_is_open = row.room_is_open or is_room


def ring_if_wanted(row: VoiceSession) -> None:
    """Have whoever runs rooms look at once, when this is committed and wants an agent there."""
    if row.agent_due_at is not None:
        transaction.on_commit(lambda: publish(WAITING_ROOMS, {"type": "voice.room_waits"}))


# --- the lease ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentStanding:
    """How a conversation stands for the process that runs its agent."""

    is_ours: bool
    """False: another process has taken the agent over."""
    status: str
    transport: str
    is_stop_requested: bool


def claim_agent(*, voice_session: VoiceSession, owner: str, takes_over: bool = False) -> int | None:
    """Take the live agent of a conversation for this process.

    Args:
        owner: names the process.
        takes_over: also from a process that holds it, because the person is here now. That one
            finds its fence outdated and lets go.

    Returns:
        The fence of this life of the agent, or None: it is over, or held elsewhere.
    """
    open_rows = VoiceSession.objects.filter(pk=voice_session.pk).exclude(status=SessionStatus.ENDED)
    if takes_over:
        open_rows.update(leased_until=None)
    return lease.claim(open_rows, owner=owner, seconds=limits.AGENT_LEASE.total_seconds())


def renew_agents(*, fences: Mapping[int, int]) -> dict[int, AgentStanding]:
    """Extend the leases of the agents a process runs and tell how each conversation stands.

    Args:
        fences: primary key of the conversation to the fence of its agent.
    """
    held = Q()
    for pk, fence in fences.items():
        held |= Q(pk=pk, fence=fence)
    if not fences:
        return {}
    until = clock.now() + limits.AGENT_LEASE
    VoiceSession.objects.filter(held, leased_until__isnull=False).update(leased_until=until)
    standings = {pk: AgentStanding(False, SessionStatus.ENDED, "", False) for pk in fences}
    rows = VoiceSession.objects.filter(pk__in=fences).values_list(
        "pk", "fence", "leased_until", "status", "transport", "stop_requested_at"
    )
    for pk, fence, leased_until, status, transport, stop_requested_at in rows:
        is_ours = fence == fences[pk] and leased_until is not None
        standings[pk] = AgentStanding(is_ours, status, transport, stop_requested_at is not None)
    return standings


def release_agent(*, voice_session_pk: int, fence: int) -> bool:
    """Give the agent back; False means another process has it. Safe to run twice."""
    return lease.release(VoiceSession.objects.filter(pk=voice_session_pk), fence=fence)


def give_up_voice(
    *, voice_session_pk: int, code: str, title: str, fence: int | None = None
) -> None:
    """Go on by typing because no voice can be had, and say so to whoever looks.

    Args:
        code, title: of the error event.
        fence: of the agent that failed; nothing changes when another one has taken over.
    """
    if go_on_typing(voice_session_pk=voice_session_pk, fence=fence):
        row = VoiceSession.objects.only("public_id").get(pk=voice_session_pk)
        publish_ephemeral(
            stream=row.stream_name, type="error", payload={"code": code, "title": title}
        )


def go_on_typing(*, voice_session_pk: int, fence: int | None = None) -> bool:
    """Let typing carry a conversation from now on. Tells nobody; safe to repeat.

    Args:
        fence: of the agent that failed; nothing changes when another one has taken over.

    Returns:
        Whether it was carried by voice until now.
    """
    rows = VoiceSession.objects.filter(pk=voice_session_pk)
    if fence is not None:
        rows = rows.filter(fence=fence)
    changed = (
        rows.exclude(transport=Transport.TYPING)
        .exclude(status=SessionStatus.ENDED)
        .update(mode=SessionMode.TEXT, transport=Transport.TYPING, agent_due_at=None)
    )
    return bool(changed)


def dismiss_agent(*, voice_session_pk: int, fence: int) -> None:
    """Want no new agent in the room: the last one has said all, or nobody was there."""
    VoiceSession.objects.filter(pk=voice_session_pk, fence=fence).update(agent_due_at=None)


def find_wanted_agents(*, limit: int) -> list[VoiceSession]:
    """Return conversations whose room waits for its agent, those that wait longest first."""
    wanted = VoiceSession.objects.filter(
        lease.unclaimed(), agent_due_at__isnull=False, transport=Transport.LIVEKIT
    ).exclude(status=SessionStatus.ENDED)
    return list(wanted.select_related("company").order_by("agent_due_at")[:limit])


def count_company_agents(company_pk: int) -> int:
    """Return how many live agents a company has now, in all processes."""
    return VoiceSession.objects.filter(company_id=company_pk, leased_until__gt=clock.now()).count()


# --- what speech leaves behind ------------------------------------------------------------------


def settle_spoken_segment(
    *, segment_id: str, heard_text: str, interrupted: bool
) -> TranscriptSegment | None:
    """Store what was really heard of something the agent said, and tell the stream.

    Without an interruption nothing changes: the text was said as it stands. Safe to repeat.

    Returns:
        The segment, or None when it was erased meanwhile.
    """
    with transaction.atomic():
        segment = (
            TranscriptSegment.objects.select_for_update()
            .select_related("voice_session")
            .filter(public_id=segment_id)
            .first()
        )
        if segment is None or not interrupted or segment.interrupted:
            return segment
        segment.interrupted = True
        heard = heard_text.strip()
        if not segment.text.startswith(heard) or len(heard) < len(segment.text):
            segment.text = heard or NOTHING_HEARD
        segment.save(update_fields=["interrupted", "text"])
        append_event(
            stream=segment.voice_session.stream_name,
            type=payloads.TRANSCRIPT,
            payload=payloads.segment_payload(segment),
        )
    return segment


def store_model_reply(
    *,
    voice_session_pk: int,
    segment_id: str,
    text: str,
    interrupted: bool,
    latency_ms: int | None = None,
) -> TranscriptSegment | None:
    """Store a reply a language model spoke directly, once it was said. Safe to repeat.

    Returns:
        The segment; None when nothing of it was heard or the conversation is over.
    """
    heard = text.strip()
    with transaction.atomic():
        row = lock_session(voice_session_pk)
        known = TranscriptSegment.objects.filter(public_id=segment_id).first()
        if known is not None or row.is_ended or not heard:
            return known
        row.reply_due_at = None
        row.reply_attempts = 0
        return commit_segment(
            row,
            role=SegmentRole.AGENT,
            source=SegmentSource.AGENT,
            text=heard,
            public_id=segment_id,
            interrupted=interrupted,
            latency_ms=latency_ms,
            now=clock.now(),
            also_save=("reply_due_at", "reply_attempts"),
        )


@dataclass(frozen=True, slots=True)
class LatencyFigure:
    """One wait, in milliseconds."""

    kind: LatencyKind
    milliseconds: int
    segment_id: str = ""


def record_latencies(*, voice_session_pk: int, figures: Sequence[LatencyFigure]) -> None:
    """Store measured waits. `FIRST_AUDIO` also becomes the latency its segment shows."""
    if not figures:
        return
    ids = {figure.segment_id for figure in figures if figure.segment_id}
    with transaction.atomic():
        segments = {
            segment.public_id: segment
            for segment in TranscriptSegment.objects.filter(
                voice_session_id=voice_session_pk, public_id__in=ids
            )
        }
        VoiceLatency.objects.bulk_create(
            VoiceLatency(
                voice_session_id=voice_session_pk,
                segment=segments.get(figure.segment_id),
                kind=figure.kind,
                milliseconds=max(0, figure.milliseconds),
            )
            for figure in figures
        )
        for figure in figures:
            found = segments.get(figure.segment_id)
            if figure.kind == LatencyKind.FIRST_AUDIO and found is not None:
                TranscriptSegment.objects.filter(pk=found.pk).update(
                    latency_ms=max(0, figure.milliseconds)
                )


@dataclass(frozen=True, slots=True)
class UsageFigure:
    """What was used of one model so far."""

    part: UsagePart
    provider: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    character_count: int = 0
    audio_seconds: float = 0.0
    cost_micros: int | None = None
    """Millionths of a US dollar; None when the price is not known."""


def record_usage(*, voice_session_pk: int, fence: int, figures: Sequence[UsageFigure]) -> None:
    """Store totals of use; a later total of the same life replaces an earlier one."""
    for figure in figures:
        VoiceUsage.objects.update_or_create(
            voice_session_id=voice_session_pk,
            fence=fence,
            part=figure.part,
            provider=figure.provider[:120],
            model=figure.model[:120],
            defaults={
                "input_tokens": figure.input_tokens,
                "output_tokens": figure.output_tokens,
                "character_count": figure.character_count,
                "audio_seconds": figure.audio_seconds,
                "cost_micros": figure.cost_micros,
            },
        )


def note_room_closed(*, voice_session: VoiceSession) -> None:
    """Record that the room of an ended conversation is gone."""
    VoiceSession.objects.filter(pk=voice_session.pk).update(room_is_open=False)


def delete_room(*, public_id: str) -> bool:
    """Delete the room of an ended conversation, which throws out whoever is still in it.

    Returns:
        True when there is nothing left to delete. Safe to run twice.
    """
    row = VoiceSession.objects.filter(
        public_id=public_id, status=SessionStatus.ENDED, room_is_open=True
    ).first()
    if row is None:
        return True
    if not livekit_rooms.delete_room(row.room_name):
        return False
    note_room_closed(voice_session=row)
    return True


def nudge_open_rooms(*, limit: int = 100) -> int:
    """Nudge for every ended conversation whose room may still be open. Returns how many."""
    ids = list(
        VoiceSession.objects.filter(status=SessionStatus.ENDED, room_is_open=True)
        .order_by(F("ended_at"))
        .values_list("public_id", flat=True)[:limit]
    )
    for public_id in ids:
        nudge(DELETE_ROOM_JOB, public_id)
    return len(ids)

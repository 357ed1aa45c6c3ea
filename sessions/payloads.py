"""The JSON shapes of a conversation: what events, snapshots and answers carry.

Owns which columns leave the server. Briefing, probe hints, system prompt, interview notes and
tokens have no place here, whatever asks; only the texts of questions that have been asked do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from agents.interview.types import Briefing, InterviewState, Phase, QuestionStatus
from core.clock import rfc3339
from sessions.models import SegmentRole, TranscriptSegment, VoiceSession

TRANSCRIPT = "transcript"
PROGRESS = "progress"
SESSION = "session"
AGENT_STATE = "agent_state"
SPEECH = "speech"
AUDIO_CLEAR = "audio_clear"
AUDIO_END = "audio_end"

LISTENING = "listening"
THINKING = "thinking"


def segment_payload(segment: TranscriptSegment) -> dict[str, Any]:
    """Return a final segment as events, snapshots and the turns route show it."""
    return {
        "segment_id": segment.public_id,
        "role": segment.role,
        "text": segment.text,
        "final": True,
        "position": segment.position,
        "at_seconds": round(segment.at_seconds, 3),
        "latency_ms": segment.latency_ms,
        "interrupted": segment.interrupted,
        "client_id": segment.client_id or None,
        "created_at": rfc3339(segment.created_at),
    }


def transcript_entry(segment: TranscriptSegment) -> dict[str, Any]:
    """Return a segment as the transcript route shows it, late turns marked."""
    started = segment.at_seconds - (segment.typing_seconds or 0.0)
    return {
        **segment_payload(segment),
        "started_seconds": round(max(0.0, started), 3),
        "recorded_as": segment.source,
        "recording_id": segment.recording.public_id if segment.recording else None,
        "recording_seconds": segment.recording_seconds,
        "question_id": segment.question_id or None,
        "is_late": segment.is_late,
    }


def status_payload(voice_session: VoiceSession, now: datetime) -> dict[str, Any]:
    """Return where the conversation stands."""
    return {
        "status": voice_session.status,
        "end_reason": voice_session.end_reason or None,
        "pause_cause": voice_session.pause_cause or None,
        "is_finished": voice_session.is_finished,
        "seconds_left": round(voice_session.seconds_left(now), 1),
    }


def progress_payload(voice_session: VoiceSession) -> dict[str, Any] | None:
    """Return how far the interview is, or None for a conversation without questions.

    ``answered`` counts the questions that are behind the person, skipped and refused ones
    included: it drives a progress bar, not a score.
    """
    if voice_session.briefing is None:
        return None
    briefing = Briefing.from_json(voice_session.briefing)
    asked = [question for question in briefing.questions if question.id not in briefing.skip]
    if voice_session.interview_state is None:
        return {
            "answered": 0,
            "total": len(asked),
            "current": None,
            "current_number": None,
            "current_text": None,
            "closed": False,
        }
    state = InterviewState.from_json(voice_session.interview_state)
    behind = {
        entry.question_id
        for entry in state.progress
        if entry.status not in (QuestionStatus.OPEN, QuestionStatus.ASKED)
        and entry.question_id != state.current_question_id
    }
    closed = state.phase is Phase.CLOSED
    current = None if closed else state.current_question_id
    number = next((n for n, question in enumerate(asked, 1) if question.id == current), None)
    return {
        "answered": sum(question.id in behind for question in asked),
        "total": len(asked),
        "current": current if number else None,
        "current_number": number,
        "current_text": asked[number - 1].text if number else None,
        "closed": closed,
    }


def agent_state_payload(voice_session: VoiceSession) -> dict[str, str]:
    """Return what the agent is doing, as far as the row knows."""
    is_waiting = voice_session.reply_due_at is not None and not voice_session.is_ended
    return {"state": THINKING if is_waiting else LISTENING}


def snapshot_payload(
    voice_session: VoiceSession, segments: Sequence[TranscriptSegment], now: datetime
) -> dict[str, Any]:
    """Return everything a client that joins needs to draw the conversation."""
    return {
        "session_id": voice_session.public_id,
        "kind": voice_session.kind,
        "mode": voice_session.mode,
        "transport": voice_session.transport,
        "language": voice_session.language,
        **status_payload(voice_session, now),
        "agent_state": agent_state_payload(voice_session)["state"],
        "progress": progress_payload(voice_session),
        "segments": [segment_payload(segment) for segment in segments],
    }


def plain_transcript(segments: Sequence[TranscriptSegment]) -> str:
    """Return the transcript as text, one ``Agent: …`` or ``User: …`` paragraph a segment.

    A line break inside a segment is indented, so that no words can pass for another speaker.
    """
    paragraphs = []
    for segment in segments:
        who = "Agent" if segment.role == SegmentRole.AGENT else "User"
        late = " (after the end)" if segment.is_late else ""
        text = "\n    ".join(segment.text.splitlines())
        paragraphs.append(f"[{_clock(segment.at_seconds)}] {who}{late}: {text}\n")
    return "".join(paragraphs)


def webvtt_transcript(segments: Sequence[TranscriptSegment]) -> str:
    """Return the transcript as WebVTT (https://www.w3.org/TR/webvtt1/), one cue a segment.

    A cue lasts from the start of the words to their end where both are known, else until the
    next segment, at most eight seconds. Text is escaped as the format wants it.
    """
    blocks = ["WEBVTT\n"]
    for index, segment in enumerate(segments):
        start = max(0.0, segment.at_seconds - (segment.typing_seconds or 0.0))
        end = segment.at_seconds
        if end - start < 0.5:
            following = segments[index + 1].at_seconds if index + 1 < len(segments) else start + 4
            end = max(start + 1, min(following, start + 8))
        speaker = "Agent" if segment.role == SegmentRole.AGENT else "User"
        # A blank line ends a cue and an arrow starts one, so neither may come from the words.
        text = " ".join(segment.text.split())
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(
            f"{segment.public_id}\n{_clock(start, milliseconds=True)} --> "
            f"{_clock(end, milliseconds=True)}\n<v {speaker}>{text}\n"
        )
    return "\n".join(blocks)


def _clock(seconds: float, *, milliseconds: bool = False) -> str:
    """Write seconds as ``00:04:05`` or, for WebVTT, ``00:04:05.125``."""
    whole = int(seconds * 1000)
    text = f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d}"
    return f"{text}.{whole % 1000:03d}" if milliseconds else text

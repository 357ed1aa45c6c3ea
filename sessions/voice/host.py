"""The conversation behind a live agent: the same turns and the same interviewer as in typing.

Owns the way from what was heard to the row and back to the words said next. Knows no sound.
"""

from __future__ import annotations

import logging

from agents.voice.types import AgentLine, ConversationOverError, VisitorTurn
from core import clock
from core.errors import ParleyError
from core.live import publish_ephemeral
from core.live.threads import in_thread
from sessions import limits, payloads
from sessions.models import SegmentRole, TranscriptSegment, VoiceSession
from sessions.selectors import list_segments
from sessions.services import conversations, turns

logger = logging.getLogger(__name__)


class SpokenConversation:
    """Implements `agents.voice.types.ConversationHost` on a row.

    Whatever refuses a turn for good (an end, an erasure) becomes `ConversationOverError`.
    """

    def __init__(self, voice_session: VoiceSession) -> None:
        self._row = voice_session
        self.said_again: set[str] = set()
        """Segments that were heard in full before and are only said again."""
        self.offsets: dict[str, float] = {}
        """Segment id to where its sound begins in the recording, in seconds."""

    async def open(self) -> AgentLine | None:
        """Greet, or say again what stands unanswered when the agent comes back or joins late."""
        return await in_thread(self._open)()

    def _open(self) -> AgentLine | None:
        try:
            self._row = conversations.open_conversation(voice_session=self._row)
        except (conversations.SessionEndedError, conversations.ConversationErasedError):
            raise ConversationOverError from None
        segments = [one for one in list_segments(self._row) if not one.is_late]
        if not segments:
            return None
        last = segments[-1]
        if last.role == SegmentRole.USER:
            return self._reply()
        if last.interrupted:
            # They cut it short and then said nothing: they know it.
            return None
        if clock.now() - last.created_at > limits.ALREADY_READ_AFTER:
            # It stood on the page before there was a voice: a cut takes nothing of it away.
            self.said_again.add(last.public_id)
        return self._line(last)

    async def take_turn(self, turn: VisitorTurn) -> bool:
        """Store what was said. A typed turn was stored by its socket before it came here."""
        if turn.started_offset_seconds is not None:
            self.offsets[turn.segment_id] = turn.started_offset_seconds
        return await in_thread(self._take_turn)(turn)

    def _take_turn(self, turn: VisitorTurn) -> bool:
        if turn.is_typed:
            is_there = TranscriptSegment.objects.filter(
                voice_session=self._row, public_id=turn.segment_id
            ).exists()
            # It may have been answered when this agent opened.
            return is_there and turns.awaits_answer(voice_session=self._row)
        try:
            taken = turns.take_spoken_turn(
                voice_session=self._row,
                text=turn.text,
                segment_id=turn.segment_id,
                speech_seconds=turn.speech_seconds,
            )
        except (conversations.SessionEndedError, conversations.ConversationErasedError):
            raise ConversationOverError from None
        except ParleyError as error:
            # Too many turns, or a listener's refusal: said on the page, and nothing is stored.
            self._refuse(error)
            return False
        self._row = taken.voice_session
        return taken.is_new

    def _refuse(self, error: ParleyError) -> None:
        publish_ephemeral(
            stream=self._row.stream_name,
            type="error",
            payload={"code": error.code, "title": error.title, "detail": error.detail},
        )

    async def reply(self) -> AgentLine | None:
        """Ask whoever holds this conversation, and store the reply before it is said."""
        return await in_thread(self._reply)()

    def _reply(self) -> AgentLine | None:
        segment = turns.write_answer(voice_session=self._row)
        if segment is not None:
            self._row = segment.voice_session
            return self._line(segment)
        self._row.refresh_from_db()
        if self._row.is_ended:
            raise ConversationOverError
        return None

    # The interviewer reads by itself what was said: whether it answers, skips or ends. So a
    # model's three tools meet in the one place that decides for typing too.

    async def record_answer(self, question_id: str) -> AgentLine | None:
        """Take what was said as an answer."""
        return await self.reply()

    async def next_question(self) -> AgentLine | None:
        """Go on after what was said."""
        return await self.reply()

    async def finish_survey(self) -> AgentLine | None:
        """Close after what was said."""
        return await self.reply()

    def _line(self, segment: TranscriptSegment) -> AgentLine:
        progress = payloads.progress_payload(self._row)
        return AgentLine(
            text=segment.text,
            segment_id=segment.public_id,
            is_closing=bool(progress and progress["closed"]),
            question_id=segment.question_id,
        )

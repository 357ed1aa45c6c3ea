"""The one Agent of every spoken conversation: it hears turns, asks for words, hands them on.

Owns the order of a turn: the person's words are stored by the host before anything is said, and
what is said comes from the host (through the three tools of a survey) or, in plain chats, from a
language model with the host behind it. Knows no sound and no transport.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from typing import Any, Final, Protocol

from livekit import rtc
from livekit.agents import (
    Agent,
    APIConnectionError,
    APIError,
    APITimeoutError,
    ModelSettings,
    StopResponse,
    function_tool,
    llm,
    stt,
)
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions
from livekit.agents.voice.agent import Agent as BaseAgent

from agents.voice import phrases
from agents.voice.patience import AskedText, first_within
from agents.voice.trial import Audibility, SilentVoiceError
from agents.voice.types import (
    AgentLine,
    ConversationHost,
    ConversationOverError,
    ReplySource,
    SpeakerRole,
    VisitorTurn,
    VoiceBriefing,
    VoiceErrorCode,
)
from core.ids import new_id

logger = logging.getLogger(__name__)

ANSWER_TOOL: Final = "record_answer"
SURVEY_TOOLS: Final = frozenset({ANSWER_TOOL, "next_question", "finish_survey"})
FIRST_SOUND_SECONDS: Final = 5.0
"""A voice that has not begun by then is given up for this sentence."""
_SAID: Final = json.dumps({"said": True})


class TurnRoom(Protocol):
    """What the agent needs of the conversation around it."""

    def hear_interim(self, text: str) -> bool:
        """Take words that may still change; False when they are to be passed over."""
        ...

    def hear_final(self, text: str) -> bool:
        """Take final words; False when they are no turn."""
        ...

    def claim_turn(self, message_id: str, text: str) -> VisitorTurn:
        """Return the turn these heard words make, with its segment and times."""
        ...

    def begin_line(self, line: AgentLine, *, is_from_model: bool = False) -> None:
        """Say which line the words that follow belong to."""
        ...

    def drop_line(self, line: AgentLine, *, is_typed_over: bool = False) -> None:
        """A line was found and will never be said: the person spoke on, or types and reads it."""
        ...

    def note_words(self, segment_id: str, words: str) -> None:
        """A model's words of a line were found."""
        ...

    def note_silent_voice(self, error: Exception) -> None:
        """The voice did not begin to speak in time, or nothing it sent can be heard."""
        ...

    def note_audible_voice(self) -> None:
        """The voice works: its sound has begun."""
        ...

    def tell_fault(self, code: VoiceErrorCode, title: str) -> None: ...

    def finish(self) -> None:
        """The conversation is over: end the agent."""
        ...


class HostLLM(llm.LLM[Any]):
    """Stands where livekit wants a model and there is none: `ConversationAgent` asks the host."""

    @property
    def model(self) -> str:
        return "builtin"

    @property
    def provider(self) -> str:
        return "local"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        **options: Any,
    ) -> llm.LLMStream:
        raise RuntimeError("there is no language model here; the host is asked instead")


class ConversationAgent(Agent):
    """Talks in the host's words, or a model's."""

    def __init__(
        self,
        *,
        briefing: VoiceBriefing,
        host: ConversationHost,
        room: TurnRoom,
        model_picks_tools: bool = False,
        patience_seconds: float = 10.0,
    ) -> None:
        self._patience = patience_seconds
        self._briefing = briefing
        self._host = host
        self._room = room
        self._picks_tools = model_picks_tools and briefing.is_survey
        self._ready: AgentLine | None = None
        rules = f"\n\n{phrases.TOOL_RULES}" if briefing.is_survey else ""
        tools: list[llm.Tool | llm.Toolset] = []
        if briefing.is_survey:
            tools = [
                self._tool(ANSWER_TOOL, self._record_answer, needs_question=True),
                self._tool("next_question", self._next_question),
                self._tool("finish_survey", self._finish_survey),
            ]
        super().__init__(
            instructions=f"{briefing.instructions}{rules}".strip(),
            chat_ctx=_history(briefing),
            tools=tools,
        )

    # --- sound becomes words --------------------------------------------------------------------

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent]:
        """Yield what is recognised, without what is no turn (see `backchannels`)."""
        async for event in BaseAgent.default.stt_node(self, audio, model_settings):
            if not event.alternatives:
                yield event
                continue
            text = event.alternatives[0].text.strip()
            if event.type == stt.SpeechEventType.INTERIM_TRANSCRIPT:
                if text and self._room.hear_interim(text):
                    yield event
            elif event.type != stt.SpeechEventType.FINAL_TRANSCRIPT or self._room.hear_final(text):
                yield event

    async def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncIterator[rtc.AudioFrame]:
        """Yield the sound of the words; a voice that never begins is given up."""
        asked = AskedText(text)
        frames = BaseAgent.default.tts_node(self, asked, model_settings)
        patience = min(self._patience, FIRST_SOUND_SECONDS)
        heard = Audibility()
        try:
            async for frame in first_within(frames, patience, asked.has_begun):
                if heard.hear(frame):
                    self._room.note_audible_voice()
                yield frame
            if heard.has_come and not heard.is_enough:
                self._room.note_silent_voice(SilentVoiceError())
        except APITimeoutError as error:
            # The plugin itself has noticed nothing yet, so nobody else tells of it.
            self._room.note_silent_voice(error)
            raise

    # --- a turn comes ---------------------------------------------------------------------------

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Let the host store the words; say nothing when it has no use for them."""
        turn = self._room.claim_turn(new_message.id, new_message.text_content or "")
        if not await self.store_turn(turn):
            raise StopResponse

    async def store_turn(self, turn: VisitorTurn) -> bool:
        """Return True when the turn is stored and wants a reply."""
        if (stale := self._ready) is not None:
            self._ready = None
            self._room.drop_line(stale, is_typed_over=turn.is_typed)
        try:
            return await self._host.take_turn(turn)
        except ConversationOverError:
            self._room.finish()
        except Exception:
            # Whatever the database raised: the person must hear of it, or the words are lost.
            logger.exception("voice.turn_not_stored")
            self._room.tell_fault(
                VoiceErrorCode.TURN_NOT_STORED, "That could not be stored. Please say it again."
            )
        return False

    # --- words are found ------------------------------------------------------------------------

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncIterator[llm.ChatChunk | str]:
        """Yield what is said next, or the call of the tool that finds it."""
        if (ready := self._ready) is not None:
            self._ready = None
            yield self._begin(ready)
            return
        if _follows_tool(chat_ctx):
            # The tool brought no words: nothing is due any more.
            return
        if self._picks_tools:
            async for chunk in self._ask_model_for_tool(chat_ctx, tools):
                yield chunk
        elif self._briefing.is_survey:
            yield _call_of(ANSWER_TOOL)
        elif self._briefing.reply_source is ReplySource.MODEL:
            async for chunk in self._ask_model(chat_ctx, tools, model_settings):
                yield chunk
        elif (line := await self.find_line(self._host.reply())) is not None:
            yield self._begin(line)

    async def find_line(self, asked: Coroutine[Any, Any, AgentLine | None]) -> AgentLine | None:
        """Return the host's words, an apology when it fails, None when nothing is due."""
        try:
            return await asked
        except ConversationOverError:
            self._room.finish()
            return None
        except Exception:
            # The turn is stored, so nothing is lost: the person hears that it went wrong.
            logger.exception("voice.reply_failed")
            text = phrases.in_language(self._briefing.language, phrases.APOLOGY)
            return AgentLine(text, new_id("seg"))

    def _begin(self, line: AgentLine) -> str:
        self._room.begin_line(line)
        return line.text

    async def _ask_model(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool], model_settings: ModelSettings
    ) -> AsyncIterator[llm.ChatChunk | str]:
        has_begun = False
        segment_id = new_id("seg")
        try:
            asked = BaseAgent.default.llm_node(self, chat_ctx, tools, model_settings)
            async for chunk in first_within(asked, self._patience):
                if not isinstance(chunk, llm.ChatChunk | str):
                    continue
                if not has_begun and _words_of(chunk).strip():
                    has_begun = True
                    self._room.begin_line(AgentLine("", segment_id), is_from_model=True)
                if has_begun:
                    self._room.note_words(segment_id, _words_of(chunk))
                yield chunk
        except APIError as error:
            self._note_model_failure(error)
        else:
            if not has_begun:
                self._note_model_failure(APIConnectionError("no words", retryable=False))
        if not has_begun and (line := await self.find_line(self._host.reply())) is not None:
            yield self._begin(line)

    async def _ask_model_for_tool(
        self, chat_ctx: llm.ChatContext, tools: list[llm.Tool]
    ) -> AsyncIterator[llm.ChatChunk | str]:
        """Let the model choose the tool; whatever else it does, the answer is taken."""
        settings = ModelSettings(tool_choice="required")
        has_called = False
        try:
            asked = BaseAgent.default.llm_node(self, chat_ctx, tools, settings)
            async for chunk in first_within(asked, self._patience):
                if not isinstance(chunk, llm.ChatChunk):
                    continue
                calls = chunk.delta.tool_calls if chunk.delta else []
                if has_called or not any(call.name in SURVEY_TOOLS for call in calls):
                    # Words of its own are not spoken; usage is passed on.
                    if chunk.usage is not None:
                        yield llm.ChatChunk(id=chunk.id, usage=chunk.usage)
                    continue
                has_called = True
                yield chunk
        except APIError as error:
            self._note_model_failure(error)
        if not has_called:
            yield _call_of(ANSWER_TOOL)

    def _note_model_failure(self, error: APIError) -> None:
        logger.warning("voice.model_failed", extra={"error": type(error).__name__})
        self._room.tell_fault(
            VoiceErrorCode.MODEL_UNAVAILABLE,
            "The language model does not answer. The conversation goes on without it.",
        )

    # --- the tools of a survey ------------------------------------------------------------------

    def _tool(
        self,
        name: str,
        asked: Callable[[dict[str, object]], Coroutine[Any, Any, str]],
        *,
        needs_question: bool = False,
    ) -> llm.Tool:
        described = {
            ANSWER_TOOL: "Take what the person just said as their answer to the open question.",
            "next_question": "Skip the open question because the person wants to.",
            "finish_survey": "End the interview because the person wants to stop.",
        }
        fields = {"question_id": {"type": "string"}} if needs_question else {}
        tool: llm.Tool = function_tool(
            asked,
            raw_schema={
                "name": name,
                "description": described[name],
                "parameters": {
                    "type": "object",
                    "properties": fields,
                    "required": list(fields),
                    "additionalProperties": False,
                },
            },
        )
        return tool

    async def _record_answer(self, raw_arguments: dict[str, object]) -> str:
        question_id = str(raw_arguments.get("question_id") or "")
        return await self._keep(self._host.record_answer(question_id))

    async def _next_question(self, raw_arguments: dict[str, object]) -> str:
        return await self._keep(self._host.next_question())

    async def _finish_survey(self, raw_arguments: dict[str, object]) -> str:
        return await self._keep(self._host.finish_survey())

    async def _keep(self, asked: Coroutine[Any, Any, AgentLine | None]) -> str:
        """Keep the line for the reply that follows the tool; no model words it anew."""
        line = await self.find_line(asked)
        if line is None:
            raise StopResponse
        self._ready = line
        return _SAID


def _history(briefing: VoiceBriefing) -> llm.ChatContext:
    context = llm.ChatContext.empty()
    for turn in briefing.history:
        is_user = turn.role is SpeakerRole.USER
        context.add_message(role="user" if is_user else "assistant", content=turn.text)
    return context


def _words_of(chunk: llm.ChatChunk | str) -> str:
    return chunk if isinstance(chunk, str) else (chunk.delta and chunk.delta.content) or ""


def _follows_tool(chat_ctx: llm.ChatContext) -> bool:
    return bool(chat_ctx.items) and chat_ctx.items[-1].type == "function_call_output"


def _call_of(name: str) -> llm.ChatChunk:
    arguments = json.dumps({"question_id": ""} if name == ANSWER_TOOL else {})
    call = llm.FunctionToolCall(name=name, arguments=arguments, call_id=new_id("call"))
    return llm.ChatChunk(
        id=new_id("chunk"), delta=llm.ChoiceDelta(role="assistant", tool_calls=[call])
    )

"""The words of spoken conversations: what crosses the border between an agent and who runs it.

Owns dataclasses and Protocols, no behaviour. Knows no row, no socket and no library of speech, so
every process may import it, unlike all else here. The app above implements `ConversationHost`
(what is said next, and that nothing said is lost) and `VoiceSink` (what pages are shown), hands
both to `AgentManager.start` and gets a `LiveVoice` back, to pass on what the person does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

INPUT_RATE: Final = 16_000
"""Hertz of the microphone's mono PCM16, as browsers send it."""
OUTPUT_RATE: Final = 24_000
"""Hertz of the agent's mono PCM16, as browsers play it."""


class TransportKind(StrEnum):
    """What carries the sound."""

    TYPING = "typing"
    BROWSER_AUDIO = "browser_audio"
    LIVEKIT = "livekit"


class EngineKind(StrEnum):
    """Who recognises and speaks."""

    NONE = "none"
    LOCAL = "local"
    """In a process beside this one, offline."""
    OPENAI = "openai"


class AgentState(StrEnum):
    """What the agent is doing."""

    INITIALIZING = "initializing"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class SpeakerRole(StrEnum):
    AGENT = "agent"
    USER = "user"


class VoiceEnd(StrEnum):
    """Why an agent is gone. The conversation itself may go on by typing."""

    STOPPED = "stopped"
    """Somebody asked for it: Done, Stop, or the process is shutting down."""
    CLOSED = "closed"
    """The host said that everything is said, and the last words were heard."""
    TIME_LIMIT = "time_limit"
    IDLE = "idle"
    """Nothing was heard for too long, after being asked."""
    LEFT = "left"
    """The person's connection went away and did not come back."""
    PROVIDER_FAILED = "provider_failed"
    """Speech failed for good; typing goes on."""
    ROOM_LOST = "room_lost"
    """The LiveKit room went away and could not be joined again; typing goes on."""
    FAILED = "failed"
    """Something of ours broke."""


class VoiceErrorCode(StrEnum):
    """What is shown to the person, with what to do (`VoiceFault.title`)."""

    SPEECH_UNAVAILABLE = "speech_unavailable"
    """Recognition or voice failed for good: type."""
    SPEECH_RETRYING = "speech_retrying"
    ENGINE_RESTARTED = "speech_engine_restarted"
    """The offline engine had stopped and runs again; the last words may be lost."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """The language model gave no answer; the built-in one goes on."""
    ROOM_RECONNECTING = "room_reconnecting"
    TURN_NOT_STORED = "turn_not_stored"
    """The last words were heard but not stored: say them again."""
    AUDIO_OVERFLOW = "audio_overflow"
    """More sound came than there is time; some was dropped."""


# --- what a conversation is ------------------------------------------------------------------


class ReplySource(StrEnum):
    """Who finds the agent's words."""

    HOST = "host"
    """`ConversationHost.reply`: the same interviewer as in typing."""
    MODEL = "model"
    """A language model streams them; plain chats with a model."""


@dataclass(frozen=True, slots=True)
class VoiceBriefing:
    """What an agent needs to know of one conversation. Private: nothing of it reaches a page."""

    language: str = "en"
    instructions: str = ""
    """System prompt of a plain chat, or the briefing of a survey put into words."""
    is_survey: bool = False
    reply_source: ReplySource = ReplySource.HOST
    max_seconds: float = 1800.0
    """Hard limit from the moment the agent starts, pauses included."""
    history: tuple[HistoryTurn, ...] = ()
    """What was said before, oldest first; a model that goes on needs it."""
    idle_nudge: str = ""
    """Said when nothing is heard for a while; empty for the package's own words."""
    farewell: str = ""
    """Said when the time limit is reached; empty for the package's own words."""


@dataclass(frozen=True, slots=True)
class HistoryTurn:
    role: SpeakerRole
    text: str


@dataclass(frozen=True, slots=True)
class VoiceTicket:
    """Which conversation is to be spoken, and by which means."""

    session_id: str
    company_key: str
    """Counted for the cap per company; visitors without one share the empty key."""
    transport: TransportKind
    engine: EngineKind
    room_name: str = ""
    """LiveKit only; unique for each conversation."""
    participant_identity: str = ""
    """LiveKit only: whom the agent listens to; empty for the first who comes."""
    recording: Recording | None = None


class Recording(Protocol):
    """Where a recording goes. Called from a worker thread, never on the loop, parts in order."""

    def write(self, pcm: bytes) -> None:
        """Take mono PCM16 at `OUTPUT_RATE`: both voices mixed, from the agent's start on."""
        ...

    def close(self, *, seconds: float) -> None:
        """Finish it; called once, also after a failure."""
        ...


# --- what sessions says -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VisitorTurn:
    """Final words of the person."""

    segment_id: str
    """``seg_…``: fit to become the row's public id, so that interim captions are replaced by it."""
    text: str
    is_typed: bool = False
    client_id: str = ""
    """Of a typed turn."""
    speech_seconds: float | None = None
    """How long they spoke."""
    confidence: float | None = None
    started_offset_seconds: float | None = None
    """Seconds from the agent's start to the first sound of it; ties it to the recording."""


@dataclass(frozen=True, slots=True)
class AgentLine:
    """The words an agent says next."""

    text: str
    segment_id: str
    is_closing: bool = False
    """True: after these words the agent stops listening and ends as `VoiceEnd.CLOSED`."""
    question_id: str = ""


class ConversationOverError(Exception):
    """The conversation has ended: nothing more is taken, the agent stops."""


class ConversationHost(Protocol):
    """The conversation behind an agent. Coroutines run on the agent's loop and must not block it.

    Every method may raise `ConversationOverError`. Any other exception is logged, told to the
    person as an apology, and does not end the agent.
    """

    async def open(self) -> AgentLine | None:
        """Return the first words, or None when they were said before (the agent comes back)."""
        ...

    async def take_turn(self, turn: VisitorTurn) -> bool:
        """Store what the person said before anything else happens.

        Returns:
            False when the turn was known (a repeated `client_id`): no reply follows.
        """
        ...

    async def reply(self) -> AgentLine | None:
        """Return the agent's answer to what was stored; None when none is due any more."""
        ...

    async def record_answer(self, question_id: str) -> AgentLine | None:
        """Take what was stored as the answer to a question (tool of a survey's agent)."""
        ...

    async def next_question(self) -> AgentLine | None:
        """Go on without an answer to the open question (tool of a survey's agent)."""
        ...

    async def finish_survey(self) -> AgentLine | None:
        """Say goodbye because the person wants to stop (tool of a survey's agent)."""
        ...


# --- what pages are shown ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InterimTranscript:
    """What the recogniser believes so far; replaces the earlier text of the segment."""

    segment_id: str
    text: str


@dataclass(frozen=True, slots=True)
class TranscriptDropped:
    """An interim segment turned out to be no turn (a cough, a "mhm"): take it off the page."""

    segment_id: str


@dataclass(frozen=True, slots=True)
class AgentCaption:
    """The words said so far, in step with the sound; grows until `AgentSpoken`."""

    segment_id: str
    text: str


@dataclass(frozen=True, slots=True)
class SpeechChanged:
    """Somebody began or stopped to make sound. While the user speaks, players duck the agent."""

    role: SpeakerRole
    is_speaking: bool


@dataclass(frozen=True, slots=True)
class AgentStateChanged:
    state: AgentState


@dataclass(frozen=True, slots=True)
class AudioCleared:
    """Drop what is queued of every generation below this one, and fall silent."""

    generation: int


@dataclass(frozen=True, slots=True)
class AudioEnded:
    """All sound of a segment was sent."""

    segment_id: str
    segment: int
    """The number its frames carry."""
    generation: int


@dataclass(frozen=True, slots=True)
class VoiceFault:
    """Something failed, with what to do."""

    code: VoiceErrorCode
    title: str
    is_fatal: bool = False
    """True: the agent ends; typing goes on."""


VoiceEvent = (
    InterimTranscript
    | TranscriptDropped
    | AgentCaption
    | SpeechChanged
    | AgentStateChanged
    | AudioCleared
    | AudioEnded
    | VoiceFault
)
"""Ephemeral: shown to whoever looks now, stored nowhere."""


@dataclass(frozen=True, slots=True)
class TurnLatency:
    """Where the time of one reply went, in seconds; None where it is not known."""

    total: float | None = None
    """End of speech to first audio sent (or played, where the page reports it)."""
    endpointing: float | None = None
    """End of speech to the decision that the turn is over."""
    transcription: float | None = None
    """End of speech to the final words."""
    reply: float | None = None
    """Decision to the reply's first words."""
    speech: float | None = None
    """First words to first audio."""
    barge_in: float | None = None
    """First sound of the interruption to silence, when this reply was interrupted."""


@dataclass(frozen=True, slots=True)
class AgentSpoken:
    """A line of the agent is over: heard to its end, or cut."""

    segment_id: str
    text: str
    """What was really heard: all of it, or the part before the interruption; may be empty."""
    full_text: str
    interrupted: bool
    played_seconds: float
    started_offset_seconds: float | None
    """Seconds from the agent's start to its first sound; None when nothing was heard."""
    latency: TurnLatency = field(default_factory=TurnLatency)
    is_from_model: bool = False
    """True when no host wrote it (a model's words, a nudge): it is in no row yet."""


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What one provider's model was used for in the whole conversation so far."""

    kind: str
    """``llm``, ``stt`` or ``tts``."""
    provider: str
    model: str
    input_tokens: int = 0
    output_tokens: int = 0
    characters: int = 0
    audio_seconds: float = 0.0
    cost_micros: int = 0
    """Millionths of a US dollar, by the price table; 0 for what is free or has no price there."""
    is_priced: bool = True
    """False when the price table does not know the model, so that 0 is not taken for free."""


@dataclass(frozen=True, slots=True)
class UsageMeasured:
    """Running totals of the conversation; each replaces the one before."""

    models: tuple[ModelUsage, ...]

    @property
    def cost_micros(self) -> int:
        """All of it, in millionths of a US dollar."""
        return sum(model.cost_micros for model in self.models)


@dataclass(frozen=True, slots=True)
class VoiceEnded:
    """The agent is gone: its tasks have ended and its resources are free. The last event."""

    reason: VoiceEnd
    seconds: float
    """How long it lived."""
    usage: UsageMeasured
    recording_seconds: float = 0.0
    detail: str = ""
    """Kind of failure for the log; no text of a person, no prompt."""


@dataclass(frozen=True, slots=True)
class SpeechGivenUp:
    """Ears or voice failed for good. The person is told (`VoiceFault`) once this is stored."""


DurableEvent = AgentSpoken | UsageMeasured | SpeechGivenUp | VoiceEnded
"""Worth a row: awaited one after the other, in order."""


@dataclass(frozen=True, slots=True)
class OutgoingAudio:
    """A piece of the agent's voice, at most 60 ms, sent at most 400 ms before it is heard."""

    generation: int
    segment: int
    segment_id: str
    pcm: bytes


class VoiceSink(Protocol):
    """Where an agent's events go: the app above, which shows and stores them."""

    def publish(self, event: VoiceEvent) -> None:
        """Show an event now. Called on the agent's loop; must return at once and never raise."""
        ...

    def send_audio(self, audio: OutgoingAudio) -> None:
        """Send sound to the participant (browser audio only); as `publish`."""
        ...

    async def store(self, event: DurableEvent) -> None:
        """Write down an event; awaited in order. An exception is logged; the next follows."""
        ...


# --- what the person does ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    """How much of a segment the browser has played."""

    segment_id: str
    played_ms: int
    interrupted: bool = False
    """The browser stopped before the end (it was cleared, or the tab is going away)."""


class AudioLink(Protocol):
    """The browser's side of the sound. All calls on the agent's loop; none blocks or raises."""

    def push(self, pcm: bytes) -> None:
        """Take microphone sound: mono PCM16 little-endian at `INPUT_RATE`, any length.

        An odd last byte is dropped. More than a second ahead of the clock is dropped, oldest
        first, and told once as `VoiceErrorCode.AUDIO_OVERFLOW`.
        """
        ...

    def report_playback(self, report: PlaybackReport) -> None:
        """Correct the server's own clock of what was heard; unknown segments are ignored."""
        ...

    def set_connected(self, is_connected: bool) -> None:
        """Say whether a browser listens. Without one the agent's sentence waits and goes on later
        where it was left; after `VoiceOptions.left_seconds` the agent ends as `VoiceEnd.LEFT`."""
        ...


class LiveVoice(Protocol):
    """A running agent, as its conversation sees it. All calls on the agent's loop."""

    @property
    def session_id(self) -> str: ...

    @property
    def audio(self) -> AudioLink | None:
        """The browser's sound; None for LiveKit rooms."""
        ...

    @property
    def is_running(self) -> bool: ...

    async def say_text(self, turn: VisitorTurn) -> None:
        """Take a typed turn: the agent stops speaking, the host stores it, the reply is spoken."""
        ...

    def interrupt(self) -> None:
        """Stop the agent's present sentence."""
        ...

    def finish_turn(self) -> None:
        """Take what was heard so far as the whole turn, without waiting for silence."""
        ...

    def set_muted(self, muted: bool) -> None:
        """Listen to nothing, or listen again; what was said before muting is taken as a turn."""
        ...

    def set_paused(self, paused: bool) -> None:
        """Neither listen nor speak until resumed; a sentence goes on where it was left."""
        ...


# --- how it fails -----------------------------------------------------------------------------


class VoiceUnavailableError(Exception):
    """No agent can be started here; `code` says why. Typing goes on.

    ``voice_not_loaded`` (this process does not speak), ``voice_busy`` (the caps are reached),
    ``voice_language`` (no engine for this language), ``voice_engine`` (none is installed or
    configured), ``voice_running`` (the conversation has its agent already), ``room_unreachable``.
    """

    def __init__(self, code: str, title: str) -> None:
        super().__init__(title)
        self.code = code
        self.title = title

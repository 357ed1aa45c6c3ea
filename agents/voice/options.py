"""The figures that shape every conversation, and how the settings have them.

Settings are read when a manager is made, never at import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from agents.voice.prices import LIST_PRICES, Price, merge_prices


@dataclass(frozen=True, slots=True)
class VoiceOptions:
    """Figures and names that shape every conversation of this process; durations in seconds."""

    stt_model: str = "gpt-4o-mini-transcribe"
    stt_realtime: bool = False
    """Use the provider's realtime transcription: true interim captions."""
    tts_model: str = "gpt-4o-mini-tts"
    tts_voice: str = "ash"
    llm_model: str = "gpt-4o-mini"
    api_key: str = ""
    base_url: str = ""
    """Empty for OpenAI itself."""

    model_picks_tools: bool = False
    """Surveys: let the model choose between the three tools; else every turn is an answer, which
    the interviewer reads by itself, and one call to a model is saved."""
    uses_turn_detector: bool = False
    """LiveKit's local end-of-turn model: better pauses, 240 MB."""

    endpointing_seconds: float = 0.5
    """Silence after which a turn is over."""
    barge_in_seconds: float = 0.5
    """Speech after which the agent's sentence is cancelled; before that it is only ducked."""
    resume_seconds: float = 0.7
    """Silence after a sound without words: then the cancelled sentence goes on."""
    ahead_seconds: float = 0.4
    """How far sound is sent ahead of its playing."""
    nudge_seconds: float = 20.0
    """Silence of both after which the agent asks whether the person is there."""
    idle_seconds: float = 600.0
    """Silence after which the agent ends."""
    left_seconds: float = 60.0
    """How long a lost browser may take to come back."""
    attempt_seconds: float = 10.0
    """The longest one call of a provider may take."""
    interim_seconds: float = 0.8
    """How often a growing utterance is transcribed again where there is no realtime endpoint."""

    max_agents: int = 40
    """Live agents of this process."""
    max_agents_per_company: int = 20

    prices: Mapping[str, Price] = field(default_factory=lambda: LIST_PRICES)
    """Model to what it costs."""

    livekit_url: str = ""
    livekit_api_key: str = ""
    livekit_api_secret: str = ""


def read_options() -> VoiceOptions:
    """Return the options of this process."""
    return VoiceOptions(
        stt_model=settings.VOICE_STT_MODEL,
        stt_realtime=settings.VOICE_STT_REALTIME,
        tts_model=settings.VOICE_TTS_MODEL,
        tts_voice=settings.VOICE_TTS_VOICE,
        llm_model=settings.OPENAI_MODEL,
        api_key=settings.OPENAI_API_KEY,
        base_url=settings.OPENAI_BASE_URL,
        uses_turn_detector=settings.VOICE_TURN_DETECTOR,
        max_agents=settings.VOICE_MAX_AGENTS,
        max_agents_per_company=settings.VOICE_MAX_AGENTS_PER_COMPANY,
        prices=merge_prices(settings.VOICE_PRICES),
        livekit_url=settings.LIVEKIT_URL,
        livekit_api_key=settings.LIVEKIT_API_KEY,
        livekit_api_secret=settings.LIVEKIT_API_SECRET,
    )

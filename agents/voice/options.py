"""The figures of `VoiceOptions` as the settings have them. Read when a manager is made."""

from __future__ import annotations

from django.conf import settings

from agents.voice.types import VoiceOptions


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
        livekit_url=settings.LIVEKIT_URL,
        livekit_api_key=settings.LIVEKIT_API_KEY,
        livekit_api_secret=settings.LIVEKIT_API_SECRET,
    )

"""OpenAI's speech, and every server that speaks its format.

Owns how livekit's plugin is set up: raw PCM instead of mp3 (no decoding), short time-outs, one
retry, and interim words where the endpoint gives none, by transcribing the growing utterance
again. Must be imported on the main thread: livekit's plugins register themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

import httpx2
import numpy as np
import openai as openai_sdk
from livekit import rtc
from livekit.agents import APIError, APITimeoutError, llm, stt, tts
from livekit.agents.types import APIConnectOptions
from livekit.plugins import openai

from agents.voice.hearing import Recognised, Utterance, UtteranceSTT, VadTap
from agents.voice.options import VoiceOptions
from agents.voice.types import INPUT_RATE, EngineKind

PROVIDER: Final = "openai"
QUIET_AMPLITUDE: Final = 250
"""Of 32,767: below it a stretch of 20 ms holds no voice."""
LEAST_VOICED_SECONDS: Final = 0.12
SHORT_VOICED_SECONDS: Final = 0.7
_MADE_UP: Final = frozenset(
    "thank you|thanks for watching|thank you for watching|thanks|you|bye|gracias|"
    "gracias por ver|subtitles by the amaraorg community|subtítulos por la comunidad de "
    "amaraorg".split("|")
)
"""What transcription models write for near silence; nobody says it in half a second of noise."""


class OpenAIEngine:
    """One set of HTTP connections for every conversation of this process."""

    kind = EngineKind.OPENAI

    def __init__(self, options: VoiceOptions) -> None:
        self._options = options
        self._client = openai_sdk.AsyncOpenAI(
            # Servers of one's own often want no key, the package always does.
            api_key=options.api_key or "none",
            base_url=options.base_url or None,
            max_retries=0,
            timeout=httpx2.Timeout(options.attempt_seconds, connect=5.0),
        )

    def make_stt(self, language: str, tap: VadTap, on_restart: Callable[[], None]) -> stt.STT[Any]:
        options = self._options
        if options.stt_realtime:
            return openai.STT(
                language=language.partition("-")[0],
                model=options.stt_model,
                use_realtime=True,
                **self._address(),
            )
        inner = openai.STT(
            language=language.partition("-")[0], model=options.stt_model, client=self._client
        )

        def open_utterance(on_interim: Callable[[str], None]) -> Utterance:
            return _RepeatedUtterance(inner, on_interim, options)

        return UtteranceSTT(
            tap=tap,
            open_utterance=open_utterance,
            language=language,
            model=options.stt_model,
            provider=PROVIDER,
        )

    def make_tts(self, language: str, on_restart: Callable[[], None]) -> tts.TTS[Any]:
        return openai.TTS(
            model=self._options.tts_model,
            voice=self._options.tts_voice,
            response_format="pcm",
            client=self._client,
        )

    def make_llm(self) -> llm.LLM[Any] | None:
        return openai.LLM(model=self._options.llm_model, client=self._client)

    async def warm(self) -> None:
        """Nothing: the first conversation opens the connections while its greeting is found."""

    async def aclose(self) -> None:
        await self._client.close()

    def _address(self) -> dict[str, Any]:
        options = self._options
        address: dict[str, Any] = {"api_key": options.api_key or "none"}
        if options.base_url:
            address["base_url"] = options.base_url
        return address


def call_options(options: VoiceOptions) -> APIConnectOptions:
    """Return how long a provider is waited for: a person waits with it."""
    return APIConnectOptions(max_retry=1, retry_interval=0.3, timeout=options.attempt_seconds)


class _RepeatedUtterance:
    """Transcribes what was heard so far again and again, then all of it."""

    def __init__(
        self, inner: stt.STT[Any], on_interim: Callable[[str], None], options: VoiceOptions
    ) -> None:
        self._inner = inner
        self._on_interim = on_interim
        self._options = options
        self._heard = bytearray()
        self._billed_seconds = 0.0
        self._interim: asyncio.Task[None] | None = None
        if options.interim_seconds > 0:
            self._interim = asyncio.create_task(self._repeat(), name="voice.openai_interim")

    def push(self, pcm: bytes) -> None:
        self._heard += pcm

    async def finish(self) -> Recognised:
        await self._stop_interim()
        pcm = bytes(self._heard)
        voiced = voiced_seconds(pcm)
        if voiced < LEAST_VOICED_SECONDS:
            return Recognised("", billed_seconds=self._billed_seconds)
        text = await self._transcribe(pcm)
        if voiced < SHORT_VOICED_SECONDS and _plain(text) in _MADE_UP:
            text = ""
        return Recognised(text, billed_seconds=self._billed_seconds)

    def cancel(self) -> None:
        if self._interim is not None:
            self._interim.cancel()

    async def _repeat(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(self._options.interim_seconds)
            pcm = bytes(self._heard)
            if voiced_seconds(pcm) < LEAST_VOICED_SECONDS:
                continue
            # A failed look in between costs nothing; the whole utterance is asked for anyway.
            with contextlib.suppress(APIError):
                text = await self._transcribe(pcm, retries=0)
                if text and text != told and _plain(text) not in _MADE_UP:
                    told = text
                    self._on_interim(text)

    async def _stop_interim(self) -> None:
        if self._interim is not None:
            self._interim.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._interim
            self._interim = None

    async def _transcribe(self, pcm: bytes, *, retries: int = 1) -> str:
        frame = rtc.AudioFrame(pcm, INPUT_RATE, 1, len(pcm) // 2)
        self._billed_seconds += frame.duration
        options = call_options(self._options)
        patience = APIConnectOptions(
            max_retry=retries, retry_interval=options.retry_interval, timeout=options.timeout
        )
        try:
            # The plugin's own limit is half a minute for an answer.
            async with asyncio.timeout(options.timeout * (retries + 1)):
                event = await self._inner.recognize(frame, conn_options=patience)
        except TimeoutError:
            raise APITimeoutError("the recogniser does not answer", retryable=False) from None
        return event.alternatives[0].text.strip() if event.alternatives else ""


def voiced_seconds(pcm: bytes) -> float:
    """Return how much of the sound is loud enough to be a voice, by stretches of 20 ms."""
    window = INPUT_RATE // 50
    samples = np.frombuffer(pcm, np.int16)
    stretches = len(samples) // window
    if not stretches:
        return 0.0
    loudness = np.abs(samples[: stretches * window].astype(np.int32)).reshape(stretches, window)
    return float((loudness.mean(axis=1) >= QUIET_AMPLITUDE).sum()) * 0.02


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum() or c == " ").strip()

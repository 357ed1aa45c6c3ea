"""The natural voice: any server that speaks OpenAI's speech endpoint.

Owns the requests: a few at once, a limit on time and size, another try after a limit or an outage.
Knows no scene. Log lines and errors never hold what is spoken.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Final, Self

import httpx2

from agents.llm.transport import CappedTransport
from agents.video.pipeline.context import SpeechOptions
from agents.video.pipeline.types import Cost, PipelineError
from agents.voice.prices import Price
from core.retry import backoff_seconds

DEFAULT_URL: Final = "https://api.openai.com/v1"
AT_ONCE: Final = 4
ATTEMPTS: Final = 3
REQUEST_SECONDS: Final = 45.0
MAX_BODY_BYTES: Final = 32 << 20
BACKOFF_BASE_SECONDS: Final = 0.5
BACKOFF_CAP_SECONDS: Final = 8.0
RETRYABLE: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
BARE_RATE: Final = 24_000
BARE_KINDS: Final = frozenset({"audio/pcm", "audio/l16", "audio/raw", "application/octet-stream"})


@dataclass(frozen=True, slots=True)
class Spoken:
    """A phrase as sound."""

    samples: bytes
    """Signed 16 bits, mono, little-endian."""
    sample_rate: int
    cost: Cost


class RemoteVoice:
    """Speaks phrases. Use as an async context manager on one loop."""

    def __init__(self, options: SpeechOptions, *, voice: str = "") -> None:
        """Remember where to ask; `voice` overrules the options'."""
        self._options = options
        self._voice = voice or options.voice
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._client = httpx2.AsyncClient(
            transport=CappedTransport(max_body_bytes=MAX_BODY_BYTES),
            timeout=REQUEST_SECONDS,
            headers={"authorization": f"Bearer {options.api_key or 'none'}"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def speak(self, text: str, *, reference: str) -> Spoken:
        """Return a phrase as sound.

        Args:
            text: what to say.
            reference: names the ledger's line, together with the provider's own id.

        Raises:
            PipelineError: ``speech_refused`` when asking again would not help,
                ``speech_unavailable`` after the last try.
        """
        async with self._slots:
            for attempt in range(1, ATTEMPTS + 1):
                wait = backoff_seconds(attempt, BACKOFF_BASE_SECONDS, BACKOFF_CAP_SECONDS)
                try:
                    async with asyncio.timeout(REQUEST_SECONDS):
                        response = await self._client.post(
                            f"{(self._options.base_url or DEFAULT_URL).rstrip('/')}/audio/speech",
                            json={
                                "model": self._options.model,
                                "voice": self._voice,
                                "input": text,
                                "response_format": "pcm",
                            },
                        )
                except (TimeoutError, httpx2.TransportError):
                    response = None
                if response is not None and response.status_code == 200:
                    return self._read(response, text, reference)
                if response is not None and response.status_code not in RETRYABLE:
                    raise _refused(response.status_code)
                if attempt < ATTEMPTS:
                    await asyncio.sleep(wait)
        raise PipelineError(
            "speech_unavailable",
            "The speech provider did not answer in several tries. Start the video again later.",
        )

    def _read(self, response: httpx2.Response, text: str, reference: str) -> Spoken:
        kind = response.headers.get("content-type", "")
        samples, rate = read_sound(response.content, kind)
        seconds = Decimal(len(samples) // 2) / Decimal(rate)
        model = self._options.model
        # A model without a price is counted at nothing, and named in the ledger.
        price = self._options.prices.get(model, Price())
        if price.per_minute:
            unit, quantity = "seconds", seconds
            micros = seconds * Decimal(str(price.per_minute)) / 60
        else:
            unit, quantity = "characters", Decimal(len(text))
            micros = quantity * Decimal(str(price.characters_per_1000)) / 1000
        amount = micros / 1_000_000
        return Spoken(
            samples,
            rate,
            Cost(
                provider=f"openai:{model}"[:60],
                unit=unit,
                quantity=quantity.quantize(Decimal("0.001")),
                amount_usd=amount.quantize(Decimal("0.000001")),
                reference=f"{reference}:{response.headers.get('x-request-id', '')}"[:120],
            ),
        )


def read_sound(content: bytes, kind: str) -> tuple[bytes, int]:
    """Return samples and rate of what a provider sent.

    Args:
        content: bare samples at 24 kHz as OpenAI defines them, or a WAV file, which some servers
            send whatever they are asked for.
        kind: the answer's content type.

    Raises:
        PipelineError: ``speech_refused`` when it is no 16-bit mono sound.
    """
    if content[:4] == b"RIFF":
        return _read_wave(content)
    is_bare = kind.partition(";")[0].strip().lower() in BARE_KINDS
    if not is_bare or not content:
        raise _no_sound()
    return content[: len(content) // 2 * 2], BARE_RATE


def _read_wave(content: bytes) -> tuple[bytes, int]:
    try:
        # A server that streams writes no true length, so the file is read by hand.
        start = content.index(b"data", 12) + 8
        rate = int.from_bytes(content[24:28], "little")
        channels = int.from_bytes(content[22:24], "little")
        bits = int.from_bytes(content[34:36], "little")
        if (channels, bits) != (1, 16) or not 8000 <= rate <= 96_000:
            raise ValueError("another kind of sound")
    except ValueError as error:
        raise _no_sound() from error
    declared = int.from_bytes(content[start - 4 : start], "little")
    samples = content[start : start + declared] if declared else content[start:]
    return samples[: len(samples) // 2 * 2], rate


def _no_sound() -> PipelineError:
    return PipelineError(
        "speech_refused", "The speech provider sent something that is no 16-bit mono sound."
    )


def _refused(status: int) -> PipelineError:
    reasons = {
        400: "The speech provider does not know this voice or model. Change the script's voice.",
        401: "The speech provider refused the key. Check OPENAI_API_KEY.",
        403: "The speech provider refused the key. Check OPENAI_API_KEY.",
        404: "There is no speech at this address or by this model. Check OPENAI_BASE_URL and "
        "VOICE_TTS_MODEL, or set VIDEO_VOICE=offline.",
    }
    return PipelineError(
        "speech_refused",
        reasons.get(status, f"The speech provider refused with status {status}."),
    )

"""From sound to final words: where speech begins and ends, and who recognises what lies between.

Owns the tap on voice activity detection (one detector a conversation, shared by turn taking and
recognition) and the recognition stream that turns each utterance into interim and final words.
Knows engines only as `Utterance`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from livekit import rtc
from livekit.agents import APIConnectionError, APIError, stt, vad
from livekit.agents.language import LanguageCode
from livekit.agents.types import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    NotGivenOr,
)

from core.ids import new_id

LONGEST_UTTERANCE_SECONDS: Final = 60.0
"""A longer one is recognised in parts, so that no recogniser's limit is met."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Final words of one utterance."""

    text: str
    confidence: float | None = None
    billed_seconds: float | None = None
    """Sound the provider was asked about, where that is more than the utterance (interim words)."""


class Utterance(Protocol):
    """One stretch of speech on its way through a recogniser."""

    def push(self, pcm: bytes) -> None:
        """Take mono PCM16 at 16 kHz; returns at once."""
        ...

    async def finish(self) -> Recognised:
        """Return the words. Called once.

        Raises:
            APIError: the recogniser failed for good.
        """
        ...

    def cancel(self) -> None:
        """Let go of it: nobody waits for the words any more."""
        ...


class UtteranceOpener(Protocol):
    def __call__(self, on_interim: Callable[[str], None]) -> Utterance: ...


class VadTap(vad.VAD):
    """A detector that also tells listeners what it finds; it serves one conversation."""

    def __init__(self, inner: vad.VAD) -> None:
        super().__init__(capabilities=inner.capabilities)
        self._inner = inner
        self.listeners: list[Callable[[vad.VADEvent], None]] = []

    @property
    def model(self) -> str:
        return self._inner.model

    @property
    def provider(self) -> str:
        return self._inner.provider

    def stream(self) -> vad.VADStream:
        """Return a stream of the shared detector; each has a state of its own."""
        return _TappedStream(self, self._inner.stream())

    def tell(self, event: vad.VADEvent) -> None:
        """Pass an event on."""
        for listener in self.listeners:
            listener(event)


class _TappedStream(vad.VADStream):
    def __init__(self, tap: VadTap, inner: vad.VADStream) -> None:
        self._tap = tap
        self._inner = inner
        super().__init__(tap)

    async def _main_task(self) -> None:
        feeding = asyncio.create_task(self._feed(), name="voice.vad_feed")
        try:
            async for event in self._inner:
                if event.type == vad.VADEventType.INFERENCE_DONE:
                    # The detector counts on while it waits for the silence to last: a cough of
                    # 0.3 s would grow past every threshold of an interruption.
                    spoken = event.speech_duration - event.raw_accumulated_silence
                    event.speech_duration = max(0.0, spoken)
                self._tap.tell(event)
                self._event_ch.send_nowait(event)
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
            await self._inner.aclose()

    async def _feed(self) -> None:
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                self._inner.push_frame(frame)
            else:
                self._inner.flush()
        self._inner.end_input()


class UtteranceSTT(stt.STT[Any]):
    """Recognition by utterances, with interim words, behind livekit's interface."""

    def __init__(
        self,
        *,
        tap: VadTap,
        open_utterance: UtteranceOpener,
        language: str,
        model: str,
        provider: str,
    ) -> None:
        super().__init__(
            capabilities=stt.STTCapabilities(
                streaming=True, interim_results=True, offline_recognize=False
            )
        )
        self.tap = tap
        self.open_utterance = open_utterance
        self.language = language
        self._model = model
        self._provider = provider

    @property
    def model(self) -> str:
        return self._model

    @property
    def provider(self) -> str:
        return self._provider

    async def _recognize_impl(
        self,
        buffer: Any,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise APIConnectionError("this recogniser takes utterances only", retryable=False)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return _UtteranceStream(self, conn_options)

    def report_failure(self, error: Exception, *, is_final: bool) -> None:
        """Tell the conversation that a call failed; the stream itself goes on."""
        self._emit_error(error, recoverable=not is_final)


class _UtteranceStream(stt.RecognizeStream):
    """Follows the detector: opens an utterance at each start, finishes it at each end."""

    def __init__(self, owner: UtteranceSTT, conn_options: APIConnectOptions) -> None:
        self._owner = owner
        self._events: asyncio.Queue[vad.VADEvent | None] = asyncio.Queue()
        self._finishing: asyncio.Queue[tuple[Utterance, float]] = asyncio.Queue()
        self._open: Utterance | None = None
        self._seconds = 0.0
        super().__init__(stt=owner, conn_options=conn_options, sample_rate=16_000)

    async def _run(self) -> None:
        self._owner.tap.listeners.append(self._events.put_nowait)
        finishing = asyncio.create_task(self._finish_in_order(), name="voice.stt_finish")
        draining = asyncio.create_task(self._drain(), name="voice.stt_drain")
        try:
            while (event := await self._events.get()) is not None:
                self._follow(event)
        finally:
            self._owner.tap.listeners.remove(self._events.put_nowait)
            for task in (finishing, draining):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            self._let_go()

    async def _drain(self) -> None:
        # The sound comes with the detector's events; here only a flush matters, which is how a
        # turn is closed by hand before the detector has heard the silence.
        async for frame in self._input_ch:
            if not isinstance(frame, rtc.AudioFrame):
                self._close()
        self._events.put_nowait(None)

    def _follow(self, event: vad.VADEvent) -> None:
        if event.type == vad.VADEventType.START_OF_SPEECH:
            self._begin(event.frames)
        elif event.type == vad.VADEventType.INFERENCE_DONE and self._open is not None:
            self._push(event.frames)
            if self._seconds >= LONGEST_UTTERANCE_SECONDS:
                self._close()
                self._begin([])
        elif event.type == vad.VADEventType.END_OF_SPEECH:
            self._close()

    def _begin(self, frames: list[rtc.AudioFrame]) -> None:
        self._close()
        self._open = self._owner.open_utterance(self._tell_interim)
        self._seconds = 0.0
        self._push(frames)

    def _push(self, frames: list[rtc.AudioFrame]) -> None:
        for frame in frames:
            self._seconds += frame.duration
            if self._open is not None:
                self._open.push(bytes(frame.data))

    def _close(self) -> None:
        if self._open is not None:
            self._finishing.put_nowait((self._open, self._seconds))
            self._open = None

    def _let_go(self) -> None:
        if self._open is not None:
            self._open.cancel()
            self._open = None
        while not self._finishing.empty():
            self._finishing.get_nowait()[0].cancel()

    async def _finish_in_order(self) -> None:
        while True:
            utterance, seconds = await self._finishing.get()
            try:
                found = await utterance.finish()
            except APIError as error:
                # Raised, it would end the stream for the whole conversation.
                self._owner.report_failure(error, is_final=True)
                continue
            except asyncio.CancelledError:
                utterance.cancel()
                raise
            billed = seconds if found.billed_seconds is None else found.billed_seconds
            self._send(stt.SpeechEventType.FINAL_TRANSCRIPT, found.text, found.confidence)
            self._event_ch.send_nowait(
                stt.SpeechEvent(
                    type=stt.SpeechEventType.RECOGNITION_USAGE,
                    recognition_usage=stt.RecognitionUsage(audio_duration=billed),
                )
            )

    def _tell_interim(self, text: str) -> None:
        if not self._event_ch.closed:
            self._send(stt.SpeechEventType.INTERIM_TRANSCRIPT, text, None)

    def _send(self, kind: stt.SpeechEventType, text: str, confidence: float | None) -> None:
        spoken = stt.SpeechData(
            language=LanguageCode(self._owner.language),
            text=text.strip(),
            confidence=confidence or 0.0,
        )
        event = stt.SpeechEvent(type=kind, request_id=new_id("heard"), alternatives=[spoken])
        self._event_ch.send_nowait(event)

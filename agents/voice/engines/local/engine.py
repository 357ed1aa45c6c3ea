"""The offline engine behind livekit's interfaces: pocketsphinx hears, espeak-ng speaks.

Owns how a conversation's sound and words travel to the child processes and back, and what happens
when one of them dies: an utterance is told again to a fresh one, a sentence is spoken again. The
engines themselves are in `child`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable
from typing import Any, Final

from livekit.agents import APIConnectionError, llm, stt, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions

from agents.voice.engines.local.process import Child, ChildGoneError, ChildPool
from agents.voice.hearing import Recognised, Utterance, UtteranceSTT, VadTap
from agents.voice.types import EngineKind
from core.ids import new_id

ATTEMPTS: Final = 2
FINISH_SECONDS: Final = 20.0
"""The longest a recogniser may take after the last sound."""
VOICE_RATE: Final = 22_050
_VOICES: Final = {"en": "en-us", "es": "es-419"}
_PROVIDER: Final = "local"


class LocalEngine:
    """Both child processes, shared by all conversations of this process."""

    kind = EngineKind.LOCAL

    def __init__(self, *, recognisers: int | None = None) -> None:
        # Decoding takes a quarter of a core while somebody speaks, and turns are taken in turn.
        size = recognisers or max(1, min(4, os.cpu_count() or 1))
        self.hearing = ChildPool("recognise", size=size)
        self.speaking = ChildPool("speak", size=1)

    def make_stt(self, language: str, tap: VadTap, on_restart: Callable[[], None]) -> stt.STT[Any]:
        def open_utterance(on_interim: Callable[[str], None]) -> Utterance:
            return _LocalUtterance(self.hearing, on_interim, on_restart)

        return UtteranceSTT(
            tap=tap,
            open_utterance=open_utterance,
            language=language,
            model="pocketsphinx",
            provider=_PROVIDER,
        )

    def make_tts(self, language: str, on_restart: Callable[[], None]) -> tts.TTS[Any]:
        return LocalTTS(self.speaking, language, on_restart)

    def make_llm(self) -> llm.LLM[Any] | None:
        """Return None: the host answers."""
        return None

    async def warm(self) -> None:
        await asyncio.gather(self.hearing.warm(), self.speaking.warm())

    async def aclose(self) -> None:
        await asyncio.gather(self.hearing.aclose(), self.speaking.aclose())


class _LocalUtterance:
    """Feeds a recogniser while the person speaks; keeps the sound until the words are there."""

    def __init__(
        self,
        pool: ChildPool,
        on_interim: Callable[[str], None],
        on_restart: Callable[[], None],
    ) -> None:
        self._pool = pool
        self._on_interim = on_interim
        self._on_restart = on_restart
        self._heard: list[bytes] = []
        self._has_more = asyncio.Event()
        self._is_finished = False
        self._task = asyncio.create_task(self._recognise(), name="voice.local_utterance")

    def push(self, pcm: bytes) -> None:
        self._heard.append(pcm)
        self._has_more.set()

    async def finish(self) -> Recognised:
        self._is_finished = True
        self._has_more.set()
        try:
            return Recognised(await asyncio.wait_for(asyncio.shield(self._task), FINISH_SECONDS))
        except TimeoutError:
            self._task.cancel()
            raise APIConnectionError(
                "the offline recogniser is too slow", retryable=False
            ) from None
        except ChildGoneError as error:
            raise APIConnectionError("the offline recogniser died", retryable=False) from error

    def cancel(self) -> None:
        self._task.cancel()

    async def _recognise(self) -> str:
        attempt = 1
        while True:
            try:
                async with self._pool.use(self._on_restart) as child:
                    return await self._converse(child)
            except ChildGoneError:
                if attempt >= ATTEMPTS:
                    raise
                attempt += 1
                self._on_restart()

    async def _converse(self, child: Child) -> str:
        child.send(b"B")
        feeding = asyncio.create_task(self._feed(child), name="voice.local_feed")
        is_over = False
        try:
            while True:
                kind, payload = await child.receive()
                if kind == b"T":
                    is_over = True
                    return payload.decode()
                if kind == b"I":
                    self._on_interim(payload.decode())
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding
            if not is_over:
                await _settle(child)

    async def _feed(self, child: Child) -> None:
        sent = 0
        while True:
            self._has_more.clear()
            while sent < len(self._heard):
                child.send(b"A", self._heard[sent])
                sent += 1
            if self._is_finished:
                child.send(b"F")
                return
            await self._has_more.wait()


async def _settle(child: Child) -> None:
    """Bring a recogniser whose utterance was dropped back to rest: its last words are read."""
    child.send(b"C")
    child.send(b"F")
    with contextlib.suppress(ChildGoneError):
        while (await child.receive())[0] != b"T":
            continue


class LocalTTS(tts.TTS[Any]):
    """espeak-ng, one sentence at a time; a sentence takes it a few milliseconds."""

    def __init__(self, pool: ChildPool, language: str, on_restart: Callable[[], None]) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=VOICE_RATE,
            num_channels=1,
        )
        self.pool = pool
        self.voice = _VOICES.get(language.partition("-")[0].lower(), "en-us")
        self.on_restart = on_restart

    @property
    def model(self) -> str:
        return "espeak-ng"

    @property
    def provider(self) -> str:
        return _PROVIDER

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _LocalSpeech(self, text, conn_options)


class _LocalSpeech(tts.ChunkedStream):
    def __init__(self, owner: LocalTTS, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=owner, input_text=text, conn_options=conn_options)
        self._owner = owner

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        try:
            async with self._owner.pool.use(self._owner.on_restart) as child:
                output_emitter.initialize(
                    request_id=new_id("spoken"),
                    sample_rate=int(child.greeting or VOICE_RATE),
                    num_channels=1,
                    mime_type="audio/pcm",
                    frame_size_ms=50,
                )
                await self._speak(child, output_emitter)
        except ChildGoneError as error:
            self._owner.on_restart()
            raise APIConnectionError("the offline voice died") from error
        output_emitter.flush()

    async def _speak(self, child: Child, output_emitter: tts.AudioEmitter) -> None:
        order = {"text": self.input_text, "voice": self._owner.voice}
        child.send(b"S", json.dumps(order).encode())
        is_over = False
        try:
            while True:
                kind, payload = await child.receive()
                if kind == b"E":
                    is_over = True
                    return
                output_emitter.push(payload)
        finally:
            if not is_over:
                child.send(b"C")
                with contextlib.suppress(ChildGoneError):
                    while (await child.receive())[0] != b"E":
                        continue

"""The server: chat completions, transcriptions, speech, and realtime transcription by socket.

    python -m tests.fakes.speech_server --port 8123

Owns OpenAI's wire format and the script of faults; the engines are in `voices`. Beside `/v1` it
has `/script` and `/requests`, by which tests tell it what to do and see what was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import sys
from collections import defaultdict, deque
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from tests.fakes.speech_server import voices

SPEECH_RATE = 24_000
REALTIME_RATE = 24_000
LOUD = 500
"""Mean absolute sample of what counts as speech in the realtime socket."""
PAUSE_SECONDS = 0.5
INTERIM_SECONDS = 0.8
PIECE_BYTES = 9_600


class SpeechApplication:
    """State of one server: its script, what was asked, and the engines' process."""

    def __init__(self) -> None:
        self.steps: dict[str, deque[dict[str, Any]]] = defaultdict(deque)
        self.asked: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.pool = ProcessPoolExecutor(max_workers=1)

    def build(self) -> web.Application:
        application = web.Application(client_max_size=30_000_000)
        application.add_routes(
            [
                web.get("/v1/models", self.list_models),
                web.post("/v1/chat/completions", self.chat),
                web.post("/v1/audio/transcriptions", self.transcribe),
                web.post("/v1/audio/speech", self.speak),
                web.get("/v1/realtime", self.realtime),
                web.post("/script", self.take_script),
                web.delete("/script", self.forget),
                web.get("/requests", self.list_requests),
            ]
        )
        application.on_cleanup.append(self._close)
        return application

    async def _close(self, application: web.Application) -> None:
        self.pool.shutdown(cancel_futures=True)

    # --- control --------------------------------------------------------------------------------

    async def take_script(self, request: web.Request) -> web.Response:
        step = await request.json()
        times = step.pop("times", 1)
        place = _place(step.pop("route"), step.pop("api_key", ""))
        self.steps[place].extend([step] * times)
        return web.json_response({"steps": times})

    async def forget(self, request: web.Request) -> web.Response:
        self.steps.clear()
        self.asked.clear()
        return web.json_response({})

    async def list_requests(self, request: web.Request) -> web.Response:
        return web.json_response(self.asked[request.query["route"]])

    async def _next(
        self, request: web.Request, route: str
    ) -> tuple[dict[str, Any], web.Response | None]:
        """Return the next step of a route and, when it is a fault, the answer that is one."""
        _, _, api_key = request.headers.get("Authorization", "").partition(" ")
        steps = self.steps[_place(route, api_key)] or self.steps[route]
        step = steps.popleft() if steps else {}
        if step.get("seconds"):
            await asyncio.sleep(step["seconds"])
        status = step.get("status", 200)
        if status != 200:
            headers = {"Retry-After": "1"} if status == 429 else {}
            body = {"error": {"message": f"scripted {status}", "type": "fake"}}
            return step, web.json_response(body, status=status, headers=headers)
        if step.get("garbage"):
            return step, web.Response(body=b"\x00\xffnot what you asked for")
        return step, None

    async def _work(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.pool, function, *arguments)

    # --- OpenAI's routes ------------------------------------------------------------------------

    async def list_models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked["chat"].append(body)
        step, fault = await self._next(request, "chat")
        if fault is not None:
            return fault
        answer = step.get("answer", "I see. Please tell me more.")
        text = answer if isinstance(answer, str) else json.dumps(answer)
        if body.get("stream"):
            return await self._stream_chat(request, text)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return web.json_response(
            {**_completion("chat.completion"), "choices": [choice], "usage": _usage(text)}
        )

    async def _stream_chat(self, request: web.Request, text: str) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)

        async def send(fields: dict[str, Any]) -> None:
            chunk = {**_completion("chat.completion.chunk"), **fields}
            await answer.write(f"data: {json.dumps(chunk)}\n\n".encode())

        for word in text.split(" "):
            delta = {"role": "assistant", "content": word + " "}
            await send({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        await send({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        await send({"choices": [], "usage": _usage(text)})
        await answer.write(b"data: [DONE]\n\n")
        await answer.write_eof()
        return answer

    async def transcribe(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        upload: Any = form["file"]
        content = upload.file.read()
        samples = voices.read_wav(content)
        asked = {name: value for name, value in form.items() if isinstance(value, str)}
        seconds = round(len(samples) / voices.SAMPLE_RATE, 2)
        self.asked["transcriptions"].append({**asked, "seconds": seconds})
        step, fault = await self._next(request, "transcriptions")
        if fault is not None:
            return fault
        text = step.get("answer")
        if text is None:
            text = await self._work(voices.recognise, samples)
        return web.json_response({"text": text})

    async def speak(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked["speech"].append(body)
        step, fault = await self._next(request, "speech")
        if fault is not None:
            return fault
        if step.get("silent"):
            samples = voices.silence(0.5, sample_rate=SPEECH_RATE)
        elif step.get("hum"):
            samples = voices.hum(step["hum"], sample_rate=SPEECH_RATE)
        else:
            samples = await self._work(_speak, body["input"])
        audio = samples.tobytes()
        if body.get("stream_format") == "sse":
            return await self._stream_speech(request, audio)
        answer = web.StreamResponse(headers={"Content-Type": "audio/pcm", "x-request-id": "fake"})
        await answer.prepare(request)
        for start in range(0, len(audio), PIECE_BYTES):
            await answer.write(audio[start : start + PIECE_BYTES])
        await answer.write_eof()
        return answer

    async def _stream_speech(self, request: web.Request, audio: bytes) -> web.StreamResponse:
        headers = {"Content-Type": "text/event-stream", "x-request-id": "fake"}
        answer = web.StreamResponse(headers=headers)
        await answer.prepare(request)
        events = [
            {
                "type": "speech.audio.delta",
                "audio": base64.b64encode(audio[at : at + PIECE_BYTES]).decode(),
            }
            for at in range(0, len(audio), PIECE_BYTES)
        ]
        done = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        for event in [*events, {"type": "speech.audio.done", "usage": done}]:
            await answer.write(f"data: {json.dumps(event)}\n\n".encode())
        await answer.write_eof()
        return answer

    # --- realtime transcription -----------------------------------------------------------------

    async def realtime(self, request: web.Request) -> web.WebSocketResponse:
        self.asked["realtime"].append(dict(request.query))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "session.created", "session": {}})
        await _RealtimeConversation(socket, self._work).run()
        return socket


class _RealtimeConversation:
    """One socket: finds utterances by loudness, sends deltas while they last."""

    def __init__(self, socket: web.WebSocketResponse, work: Any) -> None:
        self._socket = socket
        self._work = work
        self._heard: list[np.ndarray] = []
        self._quiet_seconds = 0.0
        self._speech_seconds = 0.0
        self._told = ""
        self._told_at = 0.0
        self._items = 0
        self._clock = 0.0

    async def run(self) -> None:
        async for message in self._socket:
            if message.type != WSMsgType.TEXT:
                continue
            event = json.loads(message.data)
            if event["type"] == "session.update":
                await self._socket.send_json({"type": "session.updated", "session": {}})
            elif event["type"] == "input_audio_buffer.append":
                await self._take(np.frombuffer(base64.b64decode(event["audio"]), np.int16))
            elif event["type"] == "input_audio_buffer.commit" and self._heard:
                await self._complete()

    async def _take(self, samples: np.ndarray) -> None:
        seconds = len(samples) / REALTIME_RATE
        self._clock += seconds
        is_loud = len(samples) > 0 and float(np.abs(samples.astype(np.int32)).mean()) > LOUD
        if not self._heard and not is_loud:
            return
        if not self._heard:
            self._items += 1
            await self._send("input_audio_buffer.speech_started", audio_start_ms=self._ms())
        self._heard.append(samples)
        self._speech_seconds += seconds
        self._quiet_seconds = 0.0 if is_loud else self._quiet_seconds + seconds
        if self._quiet_seconds >= PAUSE_SECONDS:
            await self._complete()
        elif self._speech_seconds - self._told_at >= INTERIM_SECONDS:
            self._told_at = self._speech_seconds
            await self._tell_interim()

    async def _tell_interim(self) -> None:
        text = await self._recognise()
        # The format knows deltas only: what was said before is never taken back.
        if text.startswith(self._told) and len(text) > len(self._told):
            delta, self._told = text[len(self._told) :], text
            await self._send("conversation.item.input_audio_transcription.delta", delta=delta)

    async def _complete(self) -> None:
        await self._send("input_audio_buffer.speech_stopped", audio_end_ms=self._ms())
        text = await self._recognise()
        await self._send(
            "conversation.item.input_audio_transcription.completed",
            transcript=text,
            usage={"type": "duration", "seconds": self._speech_seconds},
        )
        self._heard, self._quiet_seconds, self._speech_seconds = [], 0.0, 0.0
        self._told, self._told_at = "", 0.0

    async def _recognise(self) -> str:
        return await self._work(voices.recognise, np.concatenate(self._heard), REALTIME_RATE)

    async def _send(self, kind: str, **fields: Any) -> None:
        await self._socket.send_json({"type": kind, "item_id": f"item_{self._items}", **fields})

    def _ms(self) -> int:
        return round(self._clock * 1000)


def _place(route: str, api_key: str) -> str:
    return f"{route} {api_key}" if api_key else route


def _speak(text: str) -> np.ndarray:
    return voices.speak(text, sample_rate=SPEECH_RATE)


def _completion(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": kind, "created": 0, "model": "fake"}


def _usage(text: str) -> dict[str, int]:
    words = len(text.split())
    return {"prompt_tokens": 11, "completion_tokens": words, "total_tokens": 11 + words}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    web.run_app(
        SpeechApplication().build(),
        host="127.0.0.1",
        port=port,
        print=None,
        access_log=None,
        # Whoever still waits for a scripted answer has gone; the default waits a minute for them.
        shutdown_timeout=0.2,
    )


if __name__ == "__main__":
    sys.exit(main())

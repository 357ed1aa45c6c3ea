"""Conversations in a real LiveKit room: with a participant in Python, and with livekit-client.

`make test-services` starts the server these need; without one they say so.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from livekit import api, rtc
from playwright.sync_api import expect

from tests.browser.conftest import ROOT
from tests.browser.voice import script, serve_voice, speaking_browser
from tests.fakes.speech_server import voices

pytestmark = [
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not os.environ.get("TEST_LIVEKIT_URL"),
        reason="no LiveKit server: Go or its module proxy is missing, or services do not run",
    ),
]

SENTENCE = "i use the calendar every day because i plan my work with it"
RATE = 48_000
PIECE = RATE // 50


@pytest.fixture(scope="module")
def parley():
    names = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
    with serve_voice(**{name: os.environ[f"TEST_{name}"] for name in names}) as server:
        yield server


def ask(parley, method: str, path: str, *, body: object = None, token: str = "") -> dict:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{parley.url}{path}", method=method, data=content, headers=headers
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read() or b"null")


async def ask_later(*arguments, **named) -> dict:
    return await asyncio.to_thread(ask, *arguments, **named)


class Caller:
    """A participant of a room with a voice and ears."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.loud_frames = 0
        self.messages: list[str] = []
        self._tasks: list[asyncio.Task] = []
        self._speech: asyncio.Queue[np.ndarray] = asyncio.Queue()

    async def join(self, url: str, token: str) -> None:
        self.room.on("track_subscribed", self._listen)
        self.room.on("data_received", lambda packet: self.messages.append(packet.topic))
        await self.room.connect(url, token)
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        self._tasks.append(asyncio.create_task(self._speak(source)))

    def say(self, text: str) -> None:
        self._speech.put_nowait(voices.speak(text, sample_rate=RATE))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.room.disconnect()

    async def _speak(self, source: rtc.AudioSource) -> None:
        quiet = np.zeros(PIECE, np.int16)
        while True:
            sound = quiet if self._speech.empty() else self._speech.get_nowait()
            for start in range(0, len(sound), PIECE):
                piece = sound[start : start + PIECE]
                frame = rtc.AudioFrame(piece.tobytes(), RATE, 1, len(piece))
                await source.capture_frame(frame)

    def _listen(self, track: rtc.Track, *_rest: object) -> None:
        self._tasks.append(asyncio.create_task(self._count(rtc.AudioStream(track))))

    async def _count(self, stream: rtc.AudioStream) -> None:
        async for event in stream:
            samples = np.frombuffer(event.frame.data, np.int16)
            self.loud_frames += int(np.abs(samples.astype(np.int32)).max(initial=0) > 1000)


async def until(holds, seconds: float):
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await holds()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.3)


async def test_a_participant_is_heard_answered_and_shown_out(parley):
    created = await ask_later(
        parley, "POST", "/session", body={"mode": "voice", "transport": "livekit"}
    )
    token = created["session_token"]
    caller = Caller()
    await caller.join(created["livekit_url"], created["livekit_token"])

    async def turns():
        found = await ask_later(parley, "GET", f"/transcripts/{created['session_id']}", token=token)
        return [one for one in found["segments"] if one["role"] == "user"]

    async def is_heard():
        return caller.loud_frames > 50

    await until(is_heard, 30)
    # The agent is in the middle of its greeting: this interrupts it.
    caller.say(SENTENCE)
    said = await until(turns, 40)
    heard = " ".join(one["text"] for one in said).split()
    # Opus and a resampler lie in between: how well the small offline recogniser reads what is left
    # is not what rooms are tested for, but that the person's sound reached it as speech.
    assert len(heard) >= 5, heard
    assert said[0]["recorded_as"] == "spoken"

    # Nobody in the room may ask the agent what it was told.
    for topic in ("lk.agent.session", "lk.agent.request", "lk.chat"):
        with contextlib.suppress(Exception):
            await asyncio.wait_for(
                caller.room.local_participant.send_text(
                    json.dumps({"type": "get_agent_info"}), topic=topic
                ),
                3,
            )
    await asyncio.sleep(2)
    assert caller.messages == []
    assert len(await turns()) == len(said)

    stopped = await ask_later(parley, "DELETE", f"/session/{created['session_id']}", token=token)
    assert stopped == {"stopped": True}

    async def is_gone():
        return created["room_name"] not in await room_names()

    await until(is_gone, 20)
    figures = await ask_later(parley, "GET", f"/session/{created['session_id']}/voice", token=token)
    assert {used["model"] for used in figures["usage"]} == {"pocketsphinx", "espeak-ng"}
    await caller.leave()


async def room_names() -> set[str]:
    server = api.LiveKitAPI(
        os.environ["TEST_LIVEKIT_URL"],
        os.environ["TEST_LIVEKIT_API_KEY"],
        os.environ["TEST_LIVEKIT_API_SECRET"],
    )
    try:
        found = await server.room.list_rooms(api.ListRoomsRequest())
    finally:
        await server.aclose()
    return {room.name for room in found.rooms}


async def test_a_token_opens_its_own_room_and_no_other(parley):
    first, second = [
        await ask_later(parley, "POST", "/session", body={"mode": "voice", "transport": "livekit"})
        for _ in range(2)
    ]
    with pytest.raises(urllib.error.HTTPError) as refused:
        await ask_later(
            parley, "GET", f"/token?room={second['room_name']}", token=first["session_token"]
        )
    head, _, signature = first["livekit_token"].rpartition(".")
    tampered = f"{head}.{signature[::-1]}"
    room = rtc.Room()
    with pytest.raises(rtc.ConnectError):
        await room.connect(first["livekit_url"], tampered)

    assert refused.value.code == 403
    assert json.loads(refused.value.read())["code"] == "room_not_yours"
    for created in (first, second):
        path = f"/session/{created['session_id']}"
        await ask_later(parley, "DELETE", path, token=created["session_token"])


def test_a_browser_speaks_in_a_room(parley, tmp_path: Path):
    if not (ROOT / "static/vendor/livekit-client/livekit-client.umd.js").is_file():
        pytest.skip("livekit-client is not there: npm is missing at set-up")
    with speaking_browser(tmp_path, script(12, SENTENCE, 60)) as context:
        page = context.new_page()
        page.goto(f"{parley.url}/chat")
        page.get_by_label("Speak").check()
        page.get_by_role("button", name="Start", exact=True).click()
        voice = page.locator("[data-chat-voice]")
        expect(voice).to_have_attribute("data-voice", "on", timeout=30_000)
        expect(voice).to_have_attribute("data-playing", "true", timeout=30_000)
        visitor = page.locator(".chat__turn--visitor:not(.is-interim) .chat__text")
        expect(visitor).to_have_count(1, timeout=60_000)
        heard = visitor.first.text_content().split()
        assert len(heard) >= 5, heard
        # The greeting and the answer; a person who is silent afterwards is asked again.
        expect(page.locator(".chat__turn--agent").nth(1)).to_be_visible(timeout=30_000)
        page.get_by_role("button", name="Done", exact=True).click()
        page.get_by_role("button", name="End it").click()
        expect(page.locator("[data-chat-over]")).to_be_visible(timeout=20_000)

"""A survey that is talked about in a LiveKit room whose server dies in the middle.

A company's survey, the widget's calls, its socket, a real server, real rooms, livekit's own
session and the detector; only what is recognised and how the voice sounds are stand-ins'.
"""

from __future__ import annotations

import asyncio

import pytest

from agents.voice.agent_manager import AgentManager
from agents.voice.detector import load_detector, load_plugins
from agents.voice.options import read_options
from agents.voice.tests.rooms import Person, mortal_server, server_marks
from agents.voice.tests.stubs import StubEngine
from agents.voice.tests.talks import threads_of_ours
from core.live.threads import in_thread
from scripts.services.livekit import API_KEY
from sessions import limits
from sessions.models import EndReason, SegmentSource, SessionStatus, TranscriptSegment
from sessions.tests.sockets import Socket, wait_until_quiet
from sessions.voice.runner import VoiceRunner, use_runner
from surveys.models import SurveyResponse
from surveys.tests.builders import ANSWERS, Visitor, make_survey, slow_down

AGREES = "Yes, that is right."

pytestmark = [pytest.mark.django_db(transaction=True), *server_marks]


@pytest.fixture
def server(tmp_path, settings):
    with mortal_server(tmp_path) as made:
        found = made.variables()
        settings.LIVEKIT_URL = found["TEST_LIVEKIT_URL"]
        settings.LIVEKIT_API_KEY = API_KEY
        settings.LIVEKIT_API_SECRET = found["TEST_LIVEKIT_API_SECRET"]
        settings.VOICE_IN_PROCESS = settings.VOICE_OFFERED = True
        settings.VOICE_ENGINE = "local"
        settings.VOICE_RECORDING = False
        yield made


@pytest.fixture
def engine(server):
    return StubEngine()


@pytest.fixture
async def manager(engine):
    """Run rooms in this process, as `VOICE_IN_PROCESS` does; not one task may be left of it."""
    load_plugins()
    detector = load_detector()
    before = asyncio.all_tasks()
    manager = AgentManager(read_options(), detector)
    manager.use_engine(engine)
    runner = VoiceRunner(manager)
    use_runner(runner)
    runner.run_rooms()
    yield manager
    await runner.stop_all()
    await manager.aclose()
    assert await wait_until_quiet(before) == set()
    assert threads_of_ours() == []


async def test_a_spoken_survey_outlives_the_server_of_its_room(acme, server, engine, manager):
    visitor = Visitor(await in_thread(make_survey)(acme))
    await in_thread(visitor.start)()
    token = visitor.started["session_token"]
    socket = Socket(visitor.session_id, token=token)
    await socket.open()
    switched = await in_thread(visitor.call)(
        "post", "voice", token, {"transport": "livekit"}, format="json"
    )
    assert switched.status_code == 200, switched.content
    room = switched.json()
    person = Person()
    await person.join(room["livekit_url"], room["livekit_token"])

    # The first question is asked and answered aloud.
    await socket.receive_until("speech", role="agent", speaking=False)
    engine.words = [ANSWERS[0]]
    person.say("On Monday morning I had to turn notes into a summary.")
    first = await socket.receive_until("transcript", role="user", final=True)
    assert first["text"] == ANSWERS[0]

    # In the middle of the second one the server dies: the person is told, and types.
    await socket.receive_until("speech", role="agent", speaking=True)
    server.kill()
    await socket.receive_until("error", code="room_reconnecting")
    await socket.send(type="say", text=ANSWERS[1], client_id="typed-1")
    await socket.receive_until("transcript", role="user", final=True, text=ANSWERS[1])
    await socket.receive_until("progress", answered=2, closed=False)
    await person.leave()
    await asyncio.to_thread(server.start)
    await socket.send(type="say", text=AGREES, client_id="typed-2")
    await socket.receive_until("progress", closed=True)

    # Nothing that was said is lost, cut or said twice.
    segments = await in_thread(list)(
        TranscriptSegment.objects.filter(voice_session__public_id=visitor.session_id)
    )
    assert [one.role for one in segments] == ["agent", "user"] * 3 + ["agent"]
    greeting, spoken, question, typed, summary, agreed, closing = segments
    assert (spoken.text, spoken.source) == (ANSWERS[0], SegmentSource.SPOKEN)
    assert (typed.text, typed.source) == (ANSWERS[1], SegmentSource.TYPED)
    assert agreed.text == AGREES
    assert "Which part slowed you down?" in question.text
    assert not any(one.interrupted for one in (greeting, question, summary, closing))
    assert not any(one.is_late for one in segments)

    await in_thread(slow_down)(await in_thread(lambda: visitor.session)())
    result = await in_thread(visitor.done)()
    assert result["score"] > 50
    await until(lambda: manager.count == 0)
    row = await in_thread(lambda: visitor.session)()
    assert (row.status, row.end_reason, row.leased_until) == (
        SessionStatus.ENDED,
        EndReason.DONE,
        None,
    )
    response = await in_thread(SurveyResponse.objects.get)(voice_session=row)
    assert response.score == result["score"]
    await socket.leave()


async def until(holds):
    """Wait for what the look at the rows brings about, two looks a second."""
    for _ in range(int(30 / limits.AGENT_LOOK_SECONDS)):
        if holds():
            return
        await asyncio.sleep(limits.AGENT_LOOK_SECONDS)
    pytest.fail("it did not come true in time")

"""The LiveKit lines of WIDGET_INTEGRATION.md, as they stand there, in a room of a real server."""

import os
import shutil

import pytest

from tests.browser.conftest import ROOT, listening
from tests.browser.test_guide import PAGE, blocks, fill_client, serve, until
from tests.browser.voice import script, serve_voice, speaking_browser

__all__ = ["serve"]

CLIENT = ROOT / "static/vendor/livekit-client/livekit-client.umd.js"
SENTENCE = "i ordered two bags on monday and the driver left them at the wrong house"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.enable_socket,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not os.environ.get("TEST_LIVEKIT_URL"),
        reason="no LiveKit server: Go or its module proxy is missing, or services do not run",
    ),
    pytest.mark.skipif(
        not CLIENT.is_file(), reason="livekit-client is not there: npm is missing at set-up"
    ),
]


@pytest.fixture(scope="module")
def parley():
    names = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
    with serve_voice(**{name: os.environ[f"TEST_{name}"] for name in names}) as server:
        yield server


def test_the_lines_of_the_guide_speak_in_a_room(ask, parley, serve, tmp_path):
    survey = ask()
    [by_room] = [code for code in blocks("js") if "localParticipant" in code]
    [by_socket] = [code for code in blocks("js") if "new WebSocket(" in code]
    # The client up to its first typed turn: here the answer is spoken.
    start, _, _ = fill_client(parley.url, survey).partition("// 2.")
    noted = """
room.on(RoomEvent.ActiveSpeakersChanged, (all) => {
  if (all.some((one) => !one.isLocal)) document.body.dataset.agent = "speaks";
});
"""
    (tmp_path / "app.js").write_text(f"{start}\n{by_socket}\n{by_room}\n{noted}", encoding="utf-8")
    shutil.copy(CLIENT, tmp_path / "client.js")
    script_line = '<script src="client.js"></script><div id="app">'
    page_text = PAGE.replace('<div id="app">', script_line)
    (tmp_path / "index.html").write_text(page_text, encoding="utf-8")

    def spoken() -> list[dict]:
        [row] = survey.sessions()
        transcript = parley.call("GET", f"/transcripts/{row['session_id']}")
        return [one for one in transcript["segments"] if one["role"] == "user"]

    with speaking_browser(tmp_path, script(12, SENTENCE, 60)) as context:
        page = context.new_page()
        told: list[str] = []
        page.on("console", lambda one: told.append(one.text))
        with listening(page) as complaints:
            page.goto(serve(tmp_path, connect=os.environ["TEST_LIVEKIT_URL"]))
            until(page, lambda: page.locator("body[data-agent=speaks]").count() == 1, seconds=40)
            # First a caption while it is said, over the socket; then it stands in the transcript.
            until(page, lambda: any(one.startswith("user ") for one in told), seconds=60)
            until(page, spoken, seconds=30)
        assert complaints == []
    assert len(spoken()[0]["text"].split()) >= 5, spoken()
    assert spoken()[0]["recorded_as"] == "spoken"

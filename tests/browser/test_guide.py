"""The code of WIDGET_INTEGRATION.md, as it stands there, run in Chromium against a real server.

React and Vue come from npm when the tests are made ready; without npm their two tests are left
out by name.
"""

import json
import re
import shutil
import subprocess
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, _load_host_page, listening
from tests.browser.steps import GOOD_ANSWER, begin, finish, shadow

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

GUIDE = (ROOT / "WIDGET_INTEGRATION.md").read_text(encoding="utf-8")
PACKAGES = ROOT / "node_modules" / ".guide" / "node_modules"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Host</title>
<link rel="icon" href="data:,">
<div id="app"></div><script type="module" src="app.js"></script></html>"""
FRAMEWORKS = {
    "jsx": """import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { ParleySurvey } from "./guide.jsx";
const onPaid = (detail) => { document.body.dataset.paid = JSON.stringify(detail); };
const root = createRoot(document.getElementById("app"));
root.render(createElement(ParleySurvey, { ...FILLING, onPaid }));
window.leave = () => root.unmount();
""",
    "vue": """import { createApp, h } from "vue";
import ParleySurvey from "./guide.vue";
const onPaid = (detail) => { document.body.dataset.paid = JSON.stringify(detail); };
const app = createApp({ render: () => h(ParleySurvey, { ...FILLING, onPaid }) });
app.mount("#app");
window.leave = () => app.unmount();
""",
}


def blocks(language: str) -> list[str]:
    """Return the guide's code in a language, in its order."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def fill_client(host: str, survey) -> str:
    """Return the guide's own client with a server and a survey filled in."""
    [code] = [code for code in blocks("js") if "async function call(" in code]
    for name, value in (("HOST", host), ("SURVEY", survey.survey_id), ("KEY", survey.key)):
        code, count = re.subn(rf'const {name} = ".*?";', f"const {name} = {value!r};", code)
        assert count == 1
    return code


def until(page, holds, *, seconds: float = 15) -> None:
    """Wait for something without the page's own eval, which its policy forbids."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        page.wait_for_timeout(50)


@pytest.fixture
def serve(parley, tmp_path):
    """Return a function that serves a folder under the policy the guide asks for."""
    servers = []

    def start(folder: Path, *, connect: str = "") -> str:
        policy = _load_host_page().build_policy(parley.url)
        if connect:  # a room server, by both of its schemes, as the guide says
            http = connect.replace("ws", "http", 1)
            policy = policy.replace("connect-src", f"connect-src {connect} {http}")

        class Handler(SimpleHTTPRequestHandler):
            def end_headers(self):
                self.send_header("Content-Security-Policy", policy)
                super().end_headers()

            def log_message(self, *parts):
                """Keep quiet."""

        handler = partial(Handler, directory=str(folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("language", ["jsx", "vue"], ids=["react", "vue"])
def test_the_components_of_the_guide_open_the_widget_and_hear_of_the_pay(
    ask, parley, visitor, serve, tmp_path, language
):
    if not PACKAGES.is_dir():
        pytest.skip("React and Vue are not there: npm is missing, or was not asked for them")
    survey = ask()
    filling = {"host": parley.url, "survey": survey.survey_id, "publishableKey": survey.key}
    [component] = blocks(language)
    (tmp_path / f"guide.{language}").write_text(component, encoding="utf-8")
    entry = f"const FILLING = {json.dumps(filling)};\n{FRAMEWORKS[language]}"
    (tmp_path / "entry.js").write_text(entry, encoding="utf-8")
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    node = shutil.which("node")
    assert node, "npm is there and node is not"
    built = subprocess.run(
        [node, str(ROOT / "tests/browser/guide_build.mjs"), str(tmp_path), str(PACKAGES)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr

    page = visitor().new_page()
    with listening(page) as complaints:
        page.goto(serve(tmp_path))
        expect(page.get_by_role("button", name="Share your view")).to_be_visible()
        until(page, lambda: page.evaluate("typeof window.Parley?.open === 'function'"))
        assert page.get_by_role("dialog").count() == 0
        page.get_by_role("button", name="Share your view").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        begin(page)
        # At a person's pace: whoever is faster is looked at before the pay.
        for pause_ms, text, left in ((1500, GOOD_ANSWER, "Question 2 of 2"), (900, "4", "All 2")):
            page.wait_for_timeout(pause_ms)
            page.get_by_label("Your answer").press_sequentially(text, delay=55, timeout=30_000)
            page.keyboard.press("Enter")
            expect(shadow(page, ".count")).to_contain_text(left)
        finish(page)
        expect(page.locator("body")).to_have_attribute("data-paid", re.compile("session"))
        paid = json.loads(page.locator("body").get_attribute("data-paid"))
        [row] = survey.sessions()
        assert paid["session_id"] == row["session_id"]
        assert paid["payment_amount"] > 0
        # The component goes; the widget and the result it shows stay.
        page.evaluate("window.leave()")
        expect(page.get_by_role("button", name="Share your view")).to_have_count(0)
        expect(shadow(page, ".message")).to_be_visible()
    assert complaints == []


def test_the_client_of_the_guide_holds_a_conversation_by_http_and_by_socket(
    ask, parley, visitor, serve, tmp_path
):
    survey = ask()
    [by_socket] = [code for code in blocks("js") if "new WebSocket(" in code]
    before, done = fill_client(parley.url, survey).split("// 3. Done.")
    code = "\n".join(
        (
            before,
            by_socket,
            "await new Promise((resolve) => socket.addEventListener('open', resolve));",
            "say('4');",
            "while (!document.body.dataset.go) await new Promise((r) => setTimeout(r, 50));",
            f"// {done}",
            "document.body.dataset.result = JSON.stringify(result);",
        )
    )
    (tmp_path / "app.js").write_text(code, encoding="utf-8")
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    page = visitor().new_page()
    told: list[str] = []
    page.on("console", lambda one: told.append(one.text))
    with listening(page) as complaints:
        page.goto(serve(tmp_path))
        until(page, lambda: "user 4" in told and "2 of 2" in told)
        page.evaluate("document.body.dataset.go = '1'")
        expect(page.locator("body")).to_have_attribute("data-result", re.compile("session"))
    result = json.loads(page.locator("body").get_attribute("data-result"))
    assert complaints == []
    assert "The courier came two days late." in " ".join(told)
    assert result["status"] == "completed"
    assert result["score"] > 0
    assert result["message"] in told[-1]
    [row] = survey.sessions()
    assert row["session_id"] == result["session_id"]

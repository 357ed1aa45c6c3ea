"""What strangers write stays text in a real browser, on the pages of owners and administrators.

`tests/attacks/test_untrusted_text.py` looks at the HTML; here a browser has parsed it and run the
scripts of the pages, which put words into the page on their own: live view, simulator, executor.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.text import clean_text
from tests.browser import markup
from tests.browser.conftest import ROOT, ParleyServer, free_port, listening
from tests.browser.shop import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
ANSWER_MS = 20_000

# Calls a binding: what a page keeps itself is gone with the page.
REPORT = """document.addEventListener("securitypolicyviolation", (one) =>
  window.reportViolation(`${one.effectiveDirective} ${one.blockedURI}`));"""
# What only markup of a stranger could have made; no page of ours has any of it.
STRAY = """() => [...document.querySelectorAll("*")]
  .filter((node) => [...node.attributes].some(({ name }) => name.toLowerCase().startsWith("on"))
    || /^\\s*javascript:/i.test(node.getAttribute("href") ?? node.getAttribute("action") ?? "")
    || (node.matches("script:not([src])") && node.type !== "application/json")
    || node.matches("iframe, base, meta[http-equiv], img[src='x']"))
  .map((node) => node.outerHTML.slice(0, 200))"""
READ = """() => {
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  let text = "";
  while (walker.nextNode())
    if (!walker.currentNode.parentElement.matches("script, style")) text += walker.currentNode.data;
  const fields = [...document.querySelectorAll("input, textarea")].map((one) => one.value);
  return [text, ...fields].join("\\n").replace(/\\s+/g, " ");
}"""


class PlantedServer(ParleyServer):
    """A server whose company, people and visitors write markup wherever they may."""

    planted: dict

    def seed(self) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "tests.browser.markup"],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        self.planted = json.loads(made.stdout.strip().splitlines()[-1])

    def act(self, action: str, body: object) -> None:
        """Do something in the running conversation, as its visitor."""
        request = urllib.request.Request(
            f"{self.url}/session/{self.planted['running']}/{action}",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.planted['running_token']}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200


@pytest.fixture(scope="module")
def parley():
    folder = Path(tempfile.mkdtemp(prefix="parley-markup-"))
    server = PlantedServer(folder=folder, port=free_port())
    try:
        server.seed()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Reader:
    """Somebody in a browser that tells on every page."""

    def __init__(self, context, server: ParleyServer, email: str) -> None:
        self.server = server
        self.complaints: list[str] = []
        context.expose_binding("reportViolation", lambda _, said: self.complaints.append(said))
        context.add_init_script(REPORT)
        self.page = context.new_page()
        with listening(self.page) as found:
            self.complaints = found
        self.page.goto(f"{server.url}/account/login/")
        self.page.locator("input[type=email]").fill(email)
        self.page.locator("input[type=password]").fill(PASSWORD)
        self.page.locator("main button[type=submit]").click()
        self.page.wait_for_url(lambda url: "/account/login/" not in url)

    def open(self, path: str, *texts: str) -> None:
        """Open a page and assert that each text stands there, as it was written."""
        response = self.page.goto(self.server.url + path)
        assert response.status == 200, path
        self.assert_text(*texts)

    def assert_text(self, *texts: str) -> None:
        page = self.page
        page.wait_for_load_state("load")
        page.wait_for_timeout(100)  # an image that fails tells a moment later
        assert self.complaints == [], page.url
        assert page.evaluate("typeof window.pwned") == "undefined", page.url
        assert page.evaluate(STRAY) == [], page.url
        if texts:
            shown = page.evaluate(READ)
            assert [one for one in map(cleaned, texts) if one not in shown] == [], page.url


def cleaned(text: str) -> str:
    return clean_text(text, 10_000).text


@pytest.fixture
def read_as(visitor, parley):
    return lambda email: Reader(visitor(), parley, email)


def test_the_browser_tells_when_markup_runs(read_as):
    """Without this, the others would pass with nobody listening."""
    ana = read_as("ana@acme.test")
    page, complaints = ana.page, ana.complaints

    def told(beginning: str) -> bool:
        page.wait_for_timeout(200)
        return any(one.startswith(beginning) for one in complaints)

    page.evaluate(
        "document.querySelector('main').innerHTML += '<img src=x onerror=window.pwned=1>'"
    )
    assert told("script-src-attr inline")  # what the page reports itself
    assert told("Failed to load resource")
    assert len(page.evaluate(STRAY)) == 1
    page.evaluate("setTimeout(() => alert('run'))")
    assert told("dialog run")
    page.evaluate("document.querySelector('main').innerHTML = '<a href=javascript:pwned=1>x</a>'")
    assert len(page.evaluate(STRAY)) == 1
    assert "<a href" not in page.evaluate(READ)
    with pytest.raises(AssertionError):
        ana.assert_text()


def test_an_owner_reads_it_as_text(read_as, parley):
    ana, planted = read_as("ana@acme.test"), parley.planted
    survey, session = f"/console/surveys/{planted['survey']}/", planted["held"]
    title, everything, seen = markup.TITLE, markup.ALL, markup.SEEN
    cut = title[:50]  # lists of many rows cut titles
    for path, texts in {
        "/console/": [title],
        "/console/surveys/": [title],
        survey: [title],
        f"{survey}edit/": [title, everything],
        f"{survey}versions/": [],
        f"{survey}preview/": [title],
        f"{survey}insights/": [title, seen],
        "/console/insights/": [title, seen],
        "/console/sessions/": [cut],
        f"/console/sessions/{session}/": [title, everything],
        "/console/review/": [cut],
        f"/console/review/{session}/": [title, everything],
        "/console/ledger/": [],
        "/console/install/": [cut],
        "/console/settings/": [markup.NAME],
        "/console/team/": [markup.NAME],
        "/console/trail/": [markup.NAME],
        "/history": [],
        f"/history/{planted['chat']}": [everything],
        f"/history/{session}": [everything],
        "/me/": [markup.UNIT, markup.FILE_NAME],
        "/account/": [markup.NAME],
        f"/s/{planted['survey']}": [title],
    }.items():
        ana.open(path, *texts)


def test_notes_of_a_run_stay_text_while_they_are_written(read_as, parley):
    ana = read_as("ana@acme.test")
    path = f"/executor/{parley.planted['execution']}"
    ana.open(path)
    ana.page.locator("[data-executor][data-ready]").wait_for()
    ana.assert_text(markup.ALL)
    ana.page.locator('[data-note="1"]').fill(f"again {markup.ALL}")
    expect(ana.page.locator("[data-save-status]")).to_contain_text("Saved", timeout=ANSWER_MS)
    ana.open(path)
    ana.page.locator("[data-executor][data-ready]").wait_for()
    ana.assert_text(f"again {markup.ALL}")


def test_a_turn_that_arrives_while_somebody_watches_stays_text(read_as, parley):
    ana = read_as("ana@acme.test")
    parley.act("join", {})  # who is away for long is paused
    ana.open(f"/console/sessions/{parley.planted['running']}/", markup.ALL)
    expect(ana.page.locator("[data-live-status]")).to_contain_text("Live", timeout=ANSWER_MS)

    parley.act("turns", {"client_id": "turn-live", "text": f"just now {markup.ALL}"})

    # The visitor's turn, and the interviewer's that repeats it.
    arrived = ana.page.locator("[data-live-list]").get_by_text("just now")
    expect(arrived).to_have_count(2, timeout=ANSWER_MS)
    ana.assert_text(f"just now {markup.ALL}")


def test_names_messages_and_notes_of_the_chat_stay_text(read_as, parley):
    ana = read_as("ana@acme.test")
    page = ana.page
    for phone in parley.planted["phones"]:
        page.goto(f"{parley.url}/simulator/{phone}/")
        page.get_by_label("Message", exact=True).fill(f"Hola {markup.ALL}")
        page.get_by_label("Message", exact=True).press("Enter")
        expect(page.locator(".bubble--mine")).to_be_visible(timeout=ANSWER_MS)
    expect(page.locator(".bubble--theirs").first).to_be_visible(timeout=ANSWER_MS)
    ana.assert_text(f"Hola {markup.ALL}", *markup.CONTACTS)

    until = time.monotonic() + ANSWER_MS / 1000
    page.goto(f"{parley.url}/inbox/")
    while page.locator(".inbox__row").count() < len(markup.CONTACTS):
        assert time.monotonic() < until, "the messages did not reach the inbox"
        page.wait_for_timeout(300)
        page.reload()
    ana.assert_text(*markup.CONTACTS)
    page.locator(".inbox__row").first.click()
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("button", name="Give back")).to_be_visible()
    page.get_by_label("Note", exact=True).fill(f"for the team {markup.ALL}")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".line--note")).to_contain_text("for the team")
    page.locator("form.reply textarea, textarea[name=text]").first.fill(f"we say {markup.ALL}")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".line--out", has_text="we say")).to_be_visible(timeout=ANSWER_MS)
    ana.assert_text(
        f"Hola {markup.ALL}", f"for the team {markup.ALL}", f"we say {markup.ALL}", markup.NAME
    )


def test_an_administrator_reads_it_as_text(read_as, parley):
    adan = read_as(markup.ADMINISTRATOR)
    paths = parley.planted["admin"]
    for model in ("surveys/surveyversion", "voice_sessions/transcriptsegment", "accounts/user"):
        assert f"/admin/{model}/" in paths
    shown = 0
    adan.open("/admin/")
    for path in paths:
        adan.open(path)
        shown += "pwned" in adan.page.evaluate(READ)
    assert shown >= len(paths) / 2  # every page of a row, at the least

    adan.open("/admin/surveys/survey/", markup.TITLE)
    words = paths[paths.index("/admin/voice_sessions/transcriptsegment/") + 1]
    adan.open(words, markup.ALL)

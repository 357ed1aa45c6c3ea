"""Somebody speaks to the chat page: a real microphone track, a real recogniser, a real voice."""

from __future__ import annotations

import json
import re
import time
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import listening
from tests.browser.voice import RATE, BreakableLine, script, serve_voice, speaking_browser
from tests.fakes.speech_server import voices

# Speech takes as long as it takes.
pytestmark = [pytest.mark.browser, pytest.mark.enable_socket, pytest.mark.timeout(150)]
SENTENCE = "i use the calendar every day because i plan my work with it"


@pytest.fixture(scope="module")
def parley():
    with serve_voice() as server:
        yield server


def start_speaking(page: Page, parley) -> None:
    """Start a spoken chat and write down what the page shows on its way."""
    page.goto(f"{parley.url}/chat")
    page.evaluate(
        """() => {
            window.seen = [];
            const list = document.querySelector("[data-chat-list]");
            const note = () => {
              for (const row of list.children) {
                const text = row.querySelector(".chat__text").textContent;
                window.seen.push([row.className, text]);
              }
            };
            const all = { childList: true, subtree: true, characterData: true, attributes: true };
            new MutationObserver(note).observe(list, all);
        }"""
    )
    page.get_by_label("Speak").check()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("[data-chat-voice]")).to_have_attribute("data-voice", "on")


def said(page: Page, role: str):
    return page.locator(f".chat__turn--{role}:not(.is-interim) .chat__text")


def test_a_sentence_is_heard_answered_aloud_and_interrupts(parley, tmp_path):
    # It begins in the middle of the greeting, which lasts over twenty seconds. The cough comes
    # while the answer is being spoken.
    cough = voices.cough(sample_rate=RATE)
    with speaking_browser(tmp_path, script(6, SENTENCE, 4.0, cough, 60)) as context:
        page = context.new_page()
        with listening(page) as complaints:
            start_speaking(page, parley)
            voice = page.locator("[data-chat-voice]")
            expect(voice).to_have_attribute("data-playing", "true")
            expect(said(page, "visitor")).to_have_count(1, timeout=30_000)
            answer = page.locator(".chat__turn--agent").nth(1)
            expect(answer).not_to_have_class(re.compile("is-interim"), timeout=30_000)

            spoken = page.evaluate("window.seen")
            heard = said(page, "visitor").first.text_content().split()
            greeting = page.locator(".chat__turn--agent").first
            expect(greeting.locator(".chat__meta")).to_contain_text("interrupted")
            assert len(greeting.locator(".chat__text").text_content()) < 250
            expect(answer.locator(".chat__meta")).to_have_text(re.compile(r"^after \d+\.\d s$"))

            # Words appeared while they were said, and grew.
            interim = {text for name, text in spoken if "visitor is-interim" in name}
            assert len(interim) >= 2
            assert any(len(text) < len(" ".join(heard)) for text in interim)
            wanted = SENTENCE.split()
            assert len([word for word in wanted if word in heard]) >= len(wanted) - 3
            grown = {text for name, text in spoken if "agent is-interim" in name}
            assert len(grown) > 5

            page.get_by_role("button", name="Done", exact=True).click()
            page.get_by_role("button", name="End it").click()
            expect(page.locator("[data-chat-over]")).to_be_visible()
        assert complaints == []
        stored = json.loads(page.evaluate("sessionStorage.getItem('parley.chat')"))
    figures = call(parley, f"/session/{stored['id']}/voice", stored["token"])
    kinds = {one["kind"]: one["p50_ms"] for one in figures["latencies"]}
    assert {"first_audio", "silence"} <= set(kinds)
    assert kinds["silence"] < 1500
    assert figures["recordings"][0]["duration_seconds"] > 10
    transcript = call(parley, f"/transcripts/{stored['id']}", stored["token"])
    turns = [segment for segment in transcript["segments"] if segment["role"] == "user"]
    assert [(one["recorded_as"], one["recording_id"] is not None) for one in turns] == [
        ("spoken", True)
    ]


def call(parley, path: str, token: str) -> dict:
    request = urllib.request.Request(
        f"{parley.url}{path}", headers={"Authorization": f"Bearer {token}"}
    )
    deadline = time.monotonic() + 10
    while True:
        with urllib.request.urlopen(request, timeout=10) as answer:
            found = json.loads(answer.read())
        # The recording is stored a moment after the agent has ended.
        if found.get("recordings") != [] or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def test_a_blocked_microphone_is_said_and_typing_goes_on(parley, tmp_path):
    with speaking_browser(tmp_path, script(1), allows=False) as context:
        page = context.new_page()
        page.goto(f"{parley.url}/chat")
        page.get_by_label("Speak").check()
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator("[data-voice-problem]")).to_contain_text("microphone is blocked")
        expect(said(page, "agent").first).to_be_visible()
        page.get_by_label("Your message").fill("I use the calendar every day to plan my work.")
        page.get_by_role("button", name="Send").click()
        expect(said(page, "agent")).to_have_count(2)


@pytest.fixture
def line(parley):
    found = BreakableLine(parley.port)
    yield found
    found.close()


def test_a_line_that_breaks_while_the_agent_speaks_misses_nothing(parley, line, tmp_path):
    with speaking_browser(tmp_path, script(120)) as context:
        page = context.new_page()
        start_speaking(page, line)
        caption = page.locator(".chat__turn--agent .chat__text").first
        expect(caption).to_contain_text("thank you")
        line.cut(5)
        expect(page.locator("[data-chat-banner]")).to_contain_text("connection was lost")
        before = caption.text_content()
        expect(page.locator("[data-chat-banner]")).to_be_hidden(timeout=60_000)
        # The sentence goes on where it was left, to its end.
        expect(page.locator("[data-chat-voice]")).to_have_attribute("data-playing", "true")
        expect(said(page, "agent").first).to_contain_text("what for?", timeout=60_000)
        assert len(before) < len(caption.text_content())
        expect(page.locator(".chat__meta", has_text="interrupted")).to_have_count(0)

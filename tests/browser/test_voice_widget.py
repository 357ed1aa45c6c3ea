"""A whole paid survey by voice in the widget, on a page of another origin."""

from __future__ import annotations

import importlib.util
import threading

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, listening
from tests.browser.steps import begin, finish, open_panel, shadow
from tests.browser.voice import script, serve_voice, speaking_browser

pytestmark = [pytest.mark.browser, pytest.mark.enable_socket, pytest.mark.timeout(180)]

FIRST = "i ordered two bags on monday and the driver left them at the wrong house"
SECOND = "it was good because the coffee was fresh and the price was right"


@pytest.fixture(scope="module")
def parley():
    with serve_voice() as server:
        yield server


@pytest.fixture
def survey(parley):
    return parley.call(
        "POST",
        "/survey/create",
        {
            "title": "Your last order",
            "description": "Two questions about your last order.",
            "questions": [
                {"text": "What happened the last time you ordered from us?", "max_probes": 0},
                {"text": "How did you like the coffee?", "max_probes": 0},
            ],
            "payment_min": 5,
            "payment_max": 20,
            "languages": ["en", "es"],
            "max_responses": 5,
        },
    )


@pytest.fixture
def shop(parley, survey):
    """Serve the example host page, on another origin."""
    spec = importlib.util.spec_from_file_location(
        "host_page_example", ROOT / "examples" / "host-page" / "serve.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    server = module.build_server(
        port=0,
        parley=parley.url,
        survey=survey["survey_id"],
        key=survey["publishable_key"],
        left_out="",
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_a_survey_is_spoken_scored_and_paid(parley, survey, shop, tmp_path):
    # The microphone opens twice: for the check, and to speak. Each time the sound begins anew.
    sound = script(4, FIRST, 14, SECOND, 60)
    with speaking_browser(tmp_path, sound) as context:
        page = context.new_page()
        with listening(page) as complaints:
            page.goto(shop)
            open_panel(page)
            begin(page)
            shadow(page, ".mic").click()
            check = page.get_by_role("group", name="Try your microphone")
            expect(check).to_be_visible()
            page.get_by_role("button", name="Start speaking").click()
            expect(page.get_by_role("button", name="Mute", exact=True)).to_be_visible()
            visitor = shadow(page, ".turn--visitor:not(.is-interim)")
            expect(visitor).to_have_count(2, timeout=60_000)
            # Nothing shows but what was asked and said.
            expect(shadow(page, ".status__words")).to_contain_text(
                "All 2 questions", timeout=30_000
            )
            finish(page)
            expect(shadow(page, ".amount, .earned, .message").first).to_be_visible()
        assert complaints == []
    (row,) = parley.call("GET", f"/survey/{survey['survey_id']}/sessions")["results"]
    transcript = parley.call("GET", f"/transcripts/{row['session_id']}")
    said = [one for one in transcript["segments"] if one["role"] == "user"]
    assert [one["recorded_as"] for one in said] == ["spoken", "spoken"]
    heard = " ".join(one["text"] for one in said).split()
    wanted = [*FIRST.split(), *SECOND.split()]
    assert len([word for word in wanted if word in heard]) > 0.7 * len(wanted)
    figures = parley.call("GET", f"/session/{row['session_id']}/voice")
    assert figures["cost_usd"] == "0.000000"
    assert {used["model"] for used in figures["usage"]} == {"pocketsphinx", "espeak-ng"}


def test_the_microphone_is_tried_by_keyboard_alone(parley, shop, check_access, tmp_path):
    with speaking_browser(tmp_path, script(FIRST, 1, FIRST, 1, FIRST, 30)) as context:
        page = context.new_page()
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": 360, "height": 740})
        page.goto(shop)
        open_panel(page)
        begin(page)
        shadow(page, ".mic").focus()
        check = page.get_by_role("group", name="Try your microphone")
        go = page.get_by_role("button", name="Start speaking")
        for leaving in ("Escape", "Cancel"):
            page.keyboard.press("Enter")
            expect(check).to_be_visible()
            expect(go).to_be_focused()
            # The meter moves with the voice.
            level = check.get_by_role("img", name="Loudness")
            page.wait_for_function(
                """() => parseFloat(document.querySelector("parley-widget").shadowRoot
                    .querySelector(".meter--wide .meter__fill").style.inlineSize) > 5"""
            )
            expect(level).to_be_visible()
            check_access(page, "device check")
            page.screenshot(path=str(tmp_path / "check.png"))
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            if leaving == "Cancel":
                page.keyboard.press("Shift+Tab")
                page.keyboard.press("Enter")
            else:
                page.keyboard.press(leaving)
            # Only the check goes: the conversation stays, and the focus is where it was.
            expect(check).to_be_hidden()
            expect(page.get_by_role("dialog")).to_be_visible()
            expect(shadow(page, ".mic")).to_be_focused()


def test_typing_is_there_at_any_moment_and_pause_lets_the_microphone_rest(parley, shop, tmp_path):
    with speaking_browser(tmp_path, script(90)) as context:
        page = context.new_page()
        page.goto(shop)
        open_panel(page)
        begin(page)
        shadow(page, ".mic").click()
        page.get_by_role("button", name="Start speaking").click()
        expect(page.get_by_role("button", name="Mute", exact=True)).to_be_visible()
        page.get_by_label("Your answer").fill("I ordered two bags on Monday.")
        page.get_by_label("Your answer").press("Enter")
        expect(shadow(page, ".turn--agent:not(.is-interim)")).to_have_count(2, timeout=30_000)
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_text("The clock has stopped.")).to_be_visible()
        page.get_by_role("button", name="Resume").first.click()
        page.get_by_role("button", name="Voice off").click()
        expect(shadow(page, ".mic")).to_be_visible()
        page.get_by_label("Your answer").fill("It was fresh and tasted of nuts.")
        page.get_by_label("Your answer").press("Enter")
        expect(shadow(page, ".turn--agent:not(.is-interim)")).to_have_count(3, timeout=20_000)


def test_where_nobody_understands_the_language_people_type(parley, survey, shop, tmp_path):
    with speaking_browser(tmp_path, script(5)) as context:
        page = context.new_page()
        page.add_init_script("Object.defineProperty(navigator, 'languages', {get: () => ['es']})")
        page.goto(shop)
        open_panel(page)
        page.get_by_role("button", name="Empezar", exact=True).click()
        page.get_by_role("button", name="Aceptar y empezar").click()
        expect(page.get_by_label("Tu respuesta")).to_be_visible()
        expect(shadow(page, ".turn--agent").first).to_be_visible()
        page.wait_for_timeout(500)
        expect(shadow(page, ".mic")).to_have_count(0)

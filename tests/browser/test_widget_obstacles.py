"""What the widget does when something is in its way, and on a page of its own."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import listening
from tests.browser.steps import GOOD_ANSWER, begin, finish, open_panel, say, shadow, told

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def test_a_blocked_socket_falls_back_to_http_and_names_the_line(ask, host_page, visitor, parley):
    page = visitor().new_page()
    with listening(page) as complaints:
        page.goto(host_page(ask(), left_out="socket"))
        open_panel(page)
        begin(page)
        say(page, GOOD_ANSWER)
        say(page, "4")
        expect(shadow(page, ".talk")).to_have_attribute("data-connection", "polling")
        expect(shadow(page, ".count")).to_have_text("All 2 questions are done")
        finish(page)
    line = f"connect-src {parley.url} {parley.url.replace('http', 'ws')}"
    ours = [text for text in complaints if text.startswith("Parley:")]
    assert len(ours) == 1
    assert ours[0].endswith(f"Add to it: {line}")


def test_a_policy_without_connect_src_is_named(ask, host_page, visitor, parley):
    page = visitor().new_page()
    with listening(page) as complaints:
        page.goto(host_page(ask(), left_out="connect"))
        expect(page.locator("#events li[data-event=error]")).to_have_count(1)
    assert told(page) == ["error"]
    line = f"connect-src {parley.url} {parley.url.replace('http', 'ws')}"
    assert f'"line":"{line}"' in page.locator("#events").inner_text()
    assert any(text.endswith(f"Add to it: {line}") for text in complaints)
    assert page.locator("parley-widget").count() == 0


def test_a_closed_survey_shows_no_launcher_and_says_so_when_opened(ask, host_page, visitor, parley):
    survey = ask()
    parley.call("POST", f"/survey/{survey.survey_id}/close")
    page = visitor().new_page()
    page.goto(host_page(survey))
    expect(page.locator("#events li[data-event=ready]")).to_have_count(1)
    assert page.locator("parley-widget").count() == 0

    page.get_by_role("button", name="Tell us how it went").click()

    expect(page.get_by_role("dialog")).to_contain_text("This survey is closed.")
    assert survey.sessions() == []


def test_who_answered_already_sees_the_result_and_nothing_to_start(ask, host_page, visitor):
    survey = ask()
    context = visitor()
    page = context.new_page()
    address = host_page(survey)
    page.goto(address)
    open_panel(page)
    begin(page)
    finish(page)
    page.close()

    again = context.new_page()
    again.goto(address)
    expect(shadow(again, ".bar")).to_contain_text("Your result")
    open_panel(again)
    assert shadow(again, ".message").count() == 0, "it may be somebody else's"
    again.get_by_role("button", name="Show my result").click()
    expect(shadow(again, ".message")).to_be_visible()
    assert len(survey.sessions()) == 1


def test_a_poor_answer_can_be_appealed_once_and_erased(ask, host_page, visitor, check_access):
    survey = ask()
    page = visitor().new_page()
    page.goto(host_page(survey))
    open_panel(page)
    begin(page)
    page.get_by_role("button", name="Skip question").click()
    expect(shadow(page, ".count")).to_have_text("Question 2 of 2")
    page.get_by_role("button", name="I'm done").click()
    sheet = page.get_by_role("alertdialog", name="Finish now?")
    expect(sheet).to_contain_text("One question is still open")
    check_access(page, "confirmation")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    finish(page)
    expect(shadow(page, ".pay__label")).to_have_text("Not paid")

    page.get_by_role("button", name="Appeal").click()
    check_access(page, "appeal")
    page.get_by_label("What should they know?").fill("I was in a hurry.")
    page.get_by_role("button", name="Send the appeal").click()
    expect(page.get_by_text("Your appeal was sent on")).to_be_visible()
    expect(page.get_by_role("button", name="Appeal")).to_have_count(0)

    page.get_by_role("button", name="Your data").click()
    check_access(page, "privacy")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download a copy").click()
    assert survey.sessions()[0]["session_id"] in download.value.suggested_filename
    page.get_by_role("button", name="Erase my answers").click()
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_role("status")).to_contain_text("Your answers were erased.")
    assert [row["state"] for row in survey.sessions()] == ["erased"]


@pytest.mark.parametrize(
    ("targeting", "is_shown"),
    [
        ({"url_contains": ["/checkout"]}, False),
        ({"url_contains": ["127.0.0.1"]}, True),
        ({"device": "mobile"}, False),
        ({"audience": "returning"}, False),
        ({"audience": "new"}, True),
    ],
)
def test_rules_decide_on_the_page_who_sees_the_launcher(
    ask, host_page, visitor, targeting, is_shown
):
    page = visitor().new_page()
    page.goto(host_page(ask(targeting=targeting)))
    expect(page.locator("#events li[data-event=ready]")).to_have_count(1)
    page.wait_for_timeout(150)
    assert (shadow(page, ".bar").count() == 1) is is_shown
    assert ("shown" in told(page)) is is_shown


def test_who_hides_the_invitation_is_left_alone(ask, host_page, visitor):
    page = visitor().new_page()
    page.goto(host_page(ask(targeting={"cooldown_days": 7})))
    page.get_by_role("button", name="Hide this invitation").click()
    expect(shadow(page, ".bar")).to_be_hidden()
    page.reload()
    expect(page.locator("#events li[data-event=ready]")).to_have_count(1)
    page.wait_for_timeout(150)
    assert shadow(page, ".bar").count() == 0


def test_the_text_on_a_light_colour_is_black(ask, host_page, visitor):
    page = visitor().new_page()
    page.goto(host_page(ask()))
    page.add_init_script("document.documentElement?.style.setProperty('--parley-color', '#ffe08a')")
    page.evaluate("document.documentElement.style.setProperty('--parley-color', '#ffe08a')")
    open_panel(page)
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_have_css("color", "rgb(0, 0, 0)")
    expect(start).to_have_css("background-color", "rgb(255, 224, 138)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1200])
def test_the_hosted_page_fits_and_is_accessible(ask, visitor, parley, check_access, scheme, width):
    survey = ask()
    page = visitor(viewport={"width": width, "height": 640}, color_scheme=scheme).new_page()
    with listening(page) as complaints:
        page.goto(f"{parley.url}/s/{survey.survey_id}")
        expect(page.get_by_role("region", name="Your last order")).to_be_visible()
        check_access(page, "hosted invitation", "html")
        begin(page)
        say(page, GOOD_ANSWER)
        check_access(page, "hosted conversation", "html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.get_by_role("button", name="I'm done").bounding_box()
        assert box["y"] + box["height"] <= 640, "Done is in view without scrolling"
        finish(page)
        check_access(page, "hosted result", "html")
        page.keyboard.press("Escape")
        expect(shadow(page, ".message")).to_be_visible()
    assert complaints == []


def test_a_spanish_survey_speaks_spanish(ask, visitor, host_page):
    survey = ask(
        title="Tu último pedido",
        languages=["es"],
        questions=[{"text": "¿Qué pasó con tu último pedido?", "max_probes": 0}],
    )
    page = visitor(locale="es-ES").new_page()
    page.goto(host_page(survey))
    expect(shadow(page, ".bar")).to_contain_text("Danos tu opinión")
    open_panel(page)
    page.get_by_role("button", name="Empezar").click()
    page.get_by_role("button", name="Aceptar y empezar").click()
    expect(shadow(page, ".count")).to_have_text("Pregunta 1 de 1")
    page.get_by_label("Tu respuesta").fill("Llegó tarde porque el repartidor se perdió.")
    page.get_by_label("Tu respuesta").press("Enter")
    expect(shadow(page, ".count")).to_have_text("Las 1 preguntas están hechas")
    page.get_by_role("button", name="He terminado").click()
    expect(shadow(page, ".message")).to_have_text(re.compile("Gracias"), timeout=15_000)


def test_pause_stops_the_clock_until_resumed(ask, host_page, visitor, check_access):
    page = visitor().new_page()
    page.goto(host_page(ask()))
    open_panel(page)
    begin(page)
    page.get_by_role("button", name="Pause").click()
    expect(shadow(page, ".left")).to_have_text(re.compile("left, paused$"))
    check_access(page, "paused")
    before = shadow(page, ".left").inner_text()
    page.wait_for_timeout(2200)
    assert shadow(page, ".left").inner_text() == before
    shadow(page, ".paused").get_by_role("button", name="Resume").click()
    expect(shadow(page, ".left")).to_have_text(re.compile("left$"))
    expect(page.get_by_label("Your answer")).to_be_focused()

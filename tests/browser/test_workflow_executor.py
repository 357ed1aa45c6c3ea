"""The executor in real browsers: tabs, devices, broken networks, keyboard, small screens."""

from __future__ import annotations

import json
import re
import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import AXE, listening

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PHONE = {
    "viewport": {"width": 360, "height": 740},
    "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148",
}
# Without motion: a colour on its way to another one has too little contrast for a moment.
LOOKED_AT = {"bypass_csp": True, "reduced_motion": "reduce"}
START = """async (name) => {
  const token = document.cookie.split("; ").find((one) => one.startsWith("csrftoken=")).slice(10);
  const answer = await fetch("/api/execution", {
    method: "POST",
    headers: {"Content-Type": "application/json", "X-CSRFToken": token},
    body: JSON.stringify({workflow_name: name}),
  });
  return (await answer.json()).execution_id;
}"""
# What fill() would do, for fields of steps that do not show.
TYPE = """(note, text) => {
  note.value = text;
  note.dispatchEvent(new Event("input", {bubbles: true}));
}"""
READ = "async (url) => (await fetch(url)).json()"


@pytest.fixture
def ana(visitor, parley):
    """Return a browser signed in as Ana, with a run of hers."""
    context = visitor()
    page = context.new_page()
    page.goto(f"{parley.url}/account/login/")
    page.locator("input[name=username], input[type=email]").first.fill("ana@acme.test")
    page.locator("input[type=password]").fill("a-long-password-1")
    page.locator("main button[type=submit]").click()
    page.wait_for_url(lambda url: "/login" not in url)
    page.execution_id = page.evaluate(START, "resume_generator")
    return page


def open_run(page, parley, execution_id, step=None):
    page.goto(f"{parley.url}/executor/{execution_id}" + (f"#step-{step}" if step else ""))
    page.locator("[data-executor][data-ready]").wait_for()
    return page


def another(visitor, page, **options):
    """Return a page of another device of the same person."""
    return visitor(storage_state=page.context.storage_state(), **options).new_page()


def run_of(page, execution_id):
    return page.evaluate(READ, f"/api/execution/{execution_id}")


def saved(page):
    expect(page.locator("[data-save-status]")).to_have_text(re.compile("^Saved"), timeout=20_000)


def until(read, wanted, seconds=20):
    end = time.monotonic() + seconds
    while (found := read()) != wanted:
        assert time.monotonic() < end, f"{found!r} is not {wanted!r}"
        time.sleep(0.2)


def test_two_tabs_of_one_browser_never_lose_each_others_work(ana, parley):
    run = ana.execution_id
    first = open_run(ana, parley, run)
    second = open_run(ana.context.new_page(), parley, run)

    first.locator('[data-note="1"]').fill("written in the first tab")
    second.get_by_role("link", name="Generate two drafts").click()
    second.locator('[data-note="3"]').fill("written in the second tab")
    second.locator('[data-done="3"]').check()
    first.locator('[data-done="1"]').check()
    saved(first)
    saved(second)

    expect(second.locator('[data-note="1"]')).to_have_value("written in the first tab")
    expect(first.locator('[data-note="3"]')).to_have_value("written in the second tab")
    until(lambda: run_of(first, run)["steps_done"], [1, 3])
    assert run_of(first, run)["step_notes"] == {
        "1": "written in the first tab",
        "3": "written in the second tab",
    }


def test_the_same_note_on_two_devices_keeps_both_texts(ana, parley, visitor):
    run = ana.execution_id
    laptop = open_run(ana, parley, run)
    phone = open_run(another(visitor, ana, **PHONE), parley, run)

    phone.context.set_offline(True)
    phone.locator('[data-note="1"]').fill("from the phone")
    laptop.locator('[data-note="1"]').fill("from the laptop")
    saved(laptop)
    phone.context.set_offline(False)

    saved(phone)
    expect(phone.locator("[data-trouble-text]")).to_contain_text("Both texts are kept")
    note = run_of(laptop, run)["step_notes"]["1"]
    assert "from the phone" in note
    assert "from the laptop" in note
    assert run_of(laptop, run)["last_device"] == "Phone"


def test_two_hundred_rapid_edits_over_a_slow_line_never_conflict(ana, parley):
    run = ana.execution_id
    answers = []

    def slowly(route):
        time.sleep(2)
        route.continue_()

    ana.route("**/progress", slowly)
    ana.on(
        "response",
        lambda one: answers.append(one.status) if one.url.endswith("/progress") else None,
    )
    open_run(ana, parley, run)

    ana.evaluate(
        """async () => {
          const note = document.querySelector('[data-note="1"]');
          for (let number = 1; number <= 200; number += 1) {
            note.value = `edit ${number}`;
            note.dispatchEvent(new Event("input", {bubbles: true}));
            await new Promise((resolve) => setTimeout(resolve, 40));
          }
        }"""
    )

    until(lambda: run_of(ana, run)["step_notes"].get("1"), "edit 200")
    saved(ana)
    assert set(answers) == {200}
    assert len(answers) >= 2


def test_ten_minutes_offline_lose_nothing_and_stop_the_clock(ana, parley):
    run = ana.execution_id
    ana.clock.install()
    open_run(ana, parley, run)
    ana.context.set_offline(True)
    ana.locator('[data-note="1"]').fill("typed without a network")
    ana.locator('[data-done="1"]').check()
    ana.clock.run_for(2_000)
    expect(ana.locator("[data-save-status]")).to_contain_text("Kept in this browser")
    ana.clock.run_for(10 * 60_000)
    expect(ana.locator("[data-clock-state]")).to_have_text("Clock stands still")
    ana.locator('[data-note="2"]').evaluate(TYPE, "more")

    ana.context.set_offline(False)
    ana.clock.run_for(60_000)

    until(lambda: run_of(ana, run)["steps_done"], [1])
    until(lambda: run_of(ana, run)["step_notes"], {"1": "typed without a network", "2": "more"})


def test_a_server_that_is_down_while_typing_gets_it_all_afterwards(ana, parley):
    run = ana.execution_id
    open_run(ana, parley, run)
    parley.stop(kill=True)
    try:
        ana.locator('[data-note="1"]').fill("while the server was down")
        expect(ana.locator("[data-save-status]")).to_contain_text("Not connected")
    finally:
        parley.start()

    saved(ana)
    assert run_of(ana, run)["step_notes"] == {"1": "while the server was down"}


def test_a_tab_that_was_closed_in_the_middle_leaves_its_edits_to_the_next(ana, parley):
    run = ana.execution_id
    tab = open_run(ana.context.new_page(), parley, run)
    tab.route("**/progress", lambda route: route.abort())
    tab.locator('[data-note="2"]').evaluate(TYPE, "kept")
    expect(tab.locator("[data-save-status]")).to_contain_text("Kept in this browser")
    tab.close()

    open_run(ana, parley, run)

    # By the next page, or at the very end by the one that closed: its last request may get through.
    until(lambda: run_of(ana, run)["step_notes"], {"2": "kept"})
    expect(ana.locator('[data-note="2"]')).to_have_value("kept")


def test_the_whole_way_by_keyboard_alone(ana, parley):
    run = ana.execution_id
    open_run(ana, parley, run)
    ana.keyboard.press("n")
    ana.keyboard.type("typed by keyboard ")
    ana.keyboard.press("Escape")
    expect(ana.locator("#step-1-title")).to_be_focused()
    ana.keyboard.press("d")
    expect(ana.locator('[data-done="1"]')).to_be_checked()
    ana.keyboard.press("u")
    expect(ana.locator('[data-done="1"]')).not_to_be_checked()
    for number in range(1, 5):
        ana.keyboard.press("Control+Enter")
        expect(ana.locator(f"#step-{number + 1}-title")).to_be_focused()
    ana.keyboard.press("Control+Enter")

    expect(ana.get_by_role("dialog", name="Workflow completed")).to_be_visible()
    ana.keyboard.press("Tab")
    ana.get_by_role("link", name="Log a result").focus()
    ana.keyboard.press("Enter")
    ana.locator("[data-outcome][data-ready]").wait_for()
    ana.get_by_label("How much?").focus()
    ana.keyboard.type("1,250.50")
    ana.keyboard.press("Enter")
    expect(ana.get_by_role("dialog", name="Result logged")).to_contain_text("$1,250.50")
    assert run_of(ana, run)["status"] == "completed"
    assert run_of(ana, run)["step_notes"] == {"1": "typed by keyboard"}


def test_pausing_in_one_tab_stops_the_clock_in_the_other(ana, parley):
    first = open_run(ana, parley, ana.execution_id)
    second = open_run(ana.context.new_page(), parley, ana.execution_id)

    first.get_by_role("button", name="Pause").click()

    expect(second.locator("[data-clock-state]")).to_have_text("Paused")
    shown = second.locator("[data-clock]").inner_text()
    second.wait_for_timeout(1500)
    assert second.locator("[data-clock]").inner_text() == shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_the_pages_fit_and_axe_finds_nothing(ana, parley, visitor, width, scheme):
    page = another(
        visitor, ana, viewport={"width": width, "height": 740}, color_scheme=scheme, **LOOKED_AT
    )
    with listening(page) as complaints:
        for path in ("executor", "outcome"):
            page.goto(f"{parley.url}/{path}/{ana.execution_id}")
            page.locator("[data-ready]").wait_for()
            overflow = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert overflow == 0, path
            page.add_script_tag(path=str(AXE))
            found = page.evaluate("axe.run().then((all) => all.violations.map((one) => one.id))")
            assert found == [], path
        assert complaints == []


@pytest.mark.parametrize(("width", "named"), [(360, 0), (767, 1), (768, 5)])
def test_in_spanish_it_says_so_undoes_a_tick_and_opens_at_the_first_open_step(
    ana, parley, visitor, width, named
):
    page = another(visitor, ana, viewport={"width": width, "height": 740}, bypass_csp=True)
    open_run(page, parley, ana.execution_id)
    page.get_by_role("button", name="Español").click()
    page.locator("[data-executor][lang=es][data-ready]").wait_for()
    try:
        page.locator("[data-next]").click()
        expect(page.locator("[data-undo-text]")).to_have_text("Paso 1 hecho")
        page.locator("[data-next]").click()
        expect(page.locator("[data-counter]")).to_have_text("2 de 5 pasos hechos")
        page.get_by_role("button", name="Deshacer").click()
        expect(page.locator("[data-counter]")).to_have_text("1 de 5 pasos hechos")
        expect(page.locator("[data-save-status]")).to_have_text(re.compile("^Guardado a las "))
        assert run_of(page, ana.execution_id)["steps_done"] == [1]

        page.goto(f"{parley.url}/executor/{ana.execution_id}")
        page.locator("[data-executor][lang=es][data-ready]").wait_for()
        expect(page.locator('[data-go="2"]')).to_have_attribute("aria-current", "step")
        # Below 768 px only the open step has its name beside its number, on a phone none has.
        widths = page.locator(".executor__name").evaluate_all(
            "(names) => names.filter((one) => one.getBoundingClientRect().width > 2).length"
        )
        assert widths == named
        row = page.locator(".executor__list")
        assert row.evaluate("(one) => one.scrollWidth - one.clientWidth") == 0, "all steps in view"
        page.add_script_tag(path=str(AXE))
        assert page.evaluate("axe.run().then((all) => all.violations.map((one) => one.id))") == []
    finally:
        # Ana's profile is everybody's in this file.
        page.get_by_role("button", name="English").click()
        page.locator("[data-executor][lang=en][data-ready]").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1200, "light")])
def test_a_guide_is_worked_through_in_spanish_and_axe_finds_nothing(
    ana, parley, visitor, width, scheme
):
    page = another(
        visitor, ana, viewport={"width": width, "height": 740}, color_scheme=scheme, **LOOKED_AT
    )
    with listening(page) as complaints:
        page.goto(f"{parley.url}/executor/{ana.execution_id}?lang=es")
        page.locator("[data-executor][lang=es][data-ready]").wait_for()
        expect(page.locator("h1[lang=es]")).to_have_text("Currículum con IA")
        expect(page.locator("#step-1-title")).to_have_text("Reúne tus datos")
        page.locator("[data-next]").click()
        heading = page.locator("#step-2-title")
        expect(heading).to_be_focused()
        expect(heading).to_have_text("Da instrucciones a la IA")
        expect(page.get_by_text("No incluyas tu dirección")).to_be_visible()
        expect(page.locator("[data-save-status]")).to_have_text(re.compile("^Guardado a las "))
        answer = page.evaluate(READ, f"/api/execution/{ana.execution_id}?lang=es")
        assert answer["step"]["title"] == "Da instrucciones a la IA"
        _look_at(page)
        # What is around it, by the links of the page: they keep the language.
        page.get_by_role("navigation", name="Ruta").get_by_role("link").first.click()
        expect(page.get_by_text("Sigue con Currículum con IA: paso 2 de 5").first).to_be_visible()
        _look_at(page)
        page.get_by_role("link", name=re.compile("^Resultados ?: Currículum con IA")).click()
        expect(page.get_by_role("heading", name="La probabilidad, nivel a nivel")).to_be_visible()
        _look_at(page)
        page.goto(f"{parley.url}/upgrade/?lang=es")
        _look_at(page)
        assert complaints == []


@pytest.mark.parametrize(
    ("width", "scheme", "became"), [(360, "dark", "$900.00"), (1200, "light", "$700.00")]
)
def test_a_result_is_logged_corrected_and_taken_back(ana, parley, visitor, width, scheme, became):
    # Ana's page is everybody's in this file: another value each time, to find this one there.
    page = another(
        visitor, ana, viewport={"width": width, "height": 740}, color_scheme=scheme, **LOOKED_AT
    )
    page.goto(f"{parley.url}/outcome/{ana.execution_id}")
    page.locator("[data-outcome][data-ready]").wait_for()
    page.locator("#outcome-value").fill("1,250.50")
    page.locator("[data-submit]").click()

    page.locator("[data-dialog-correct]").click()
    page.locator("#outcome-value").fill(became.strip("$"))
    page.get_by_role("button", name="Save the correction").click()
    expect(page.get_by_text(f"$1,250.50 became {became}")).to_be_visible()
    _look_at(page)
    page.get_by_role("textbox", name="Why?").fill("logged twice")
    page.get_by_role("button", name="Take it back").click()

    expect(page.get_by_text("It counts nowhere any more")).to_be_visible()
    expect(page.get_by_text("logged twice")).to_be_visible()
    page.goto(f"{parley.url}/me/")
    # On a narrow page the table is a list of cards, whose cells are headers no more.
    expect(page.locator("th", has_text=became)).to_contain_text("Voided")
    _look_at(page)


def _look_at(page):
    """Check that nothing overflows and axe finds nothing."""
    page.wait_for_load_state()  # words are there before the styles of a page are
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
    page.add_script_tag(path=str(AXE))
    found = page.evaluate("axe.run().then((all) => all.violations.map((one) => one.id))")
    assert found == []


def test_a_proof_is_dropped_previewed_removed_and_refused_before_sending(ana, parley, tmp_path):
    run = ana.execution_id
    ana.goto(f"{parley.url}/outcome/{run}")
    ana.locator("[data-outcome][data-ready]").wait_for()
    big = tmp_path / "big.pdf"
    big.write_bytes(b"%PDF-1.4" + b"x" * (5 * 1024 * 1024))
    ana.get_by_label("How much?").fill("12,5")
    ana.locator("[name=proof]").set_input_files(big)
    expect(ana.locator("[data-preview-name]")).to_have_text("big.pdf")
    expect(ana.locator("[data-error-of=proof]")).to_contain_text("5 MB is the most")
    ana.get_by_role("button", name="Log the result").click()
    expect(ana.get_by_role("dialog", name="Result logged")).not_to_be_visible()
    ana.get_by_role("button", name="Remove").click()
    expect(ana.locator("[data-preview]")).not_to_be_visible()

    fake = tmp_path / "fake.png"
    fake.write_bytes(b"<html>no picture</html>")
    ana.locator("[name=proof]").set_input_files(fake)
    ana.get_by_role("button", name="Log the result").click()
    expect(ana.locator("[data-error-of=proof]")).to_contain_text("Only JPEG")
    expect(ana.get_by_label("How much?")).to_have_value("12,5")

    ana.get_by_role("button", name="Remove").click()
    picture = ana.screenshot(path=str(tmp_path / "shot.png"))
    ana.evaluate(
        """(bytes) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], "shot.png", {type: "image/png"}));
          document.querySelector("[data-drop]").dispatchEvent(
            new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        list(picture),
    )
    expect(ana.locator("[data-preview-image]")).to_be_visible()
    ana.get_by_role("button", name="Log the result").click()
    expect(ana.get_by_role("dialog", name="Result logged")).to_contain_text("$12.50")
    listed = ana.evaluate(READ, "/api/outcomes")["results"]
    assert [one["proof"]["name"] for one in listed if one["execution_id"] == run] == ["shot.png"]
    assert json.dumps(listed).count("shot.png") == 1

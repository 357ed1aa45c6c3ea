"""The studio in a real Chromium on a real server, with the real agents and no key.

Lights while a video is made, the player with captions and chapters, cancel and retry, pages
without JavaScript, on a phone, in both themes, for late comers, and over the death of the server.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PASSWORD = "a-long-password-1"
AGENTS = ("Orchestrator", "Agent2", "Agent4", "Agent5")
MAKING_MS = 60_000
SHORT = [
    ("title", "What people told us", {}, "This is what we heard from five people."),
    ("chart", "Why they left", {"values": "Too slow: 30\nPrice: 12"}, "Most left as it was slow."),
    ("closing", "Thank you", {}, "Thank you for watching."),
]
SENTENCE = "One more sentence that takes its time to say. "
MEDIUM = [("title", f"Part {number}", {}, SENTENCE * 20) for number in range(3)]
LONG = [("title", f"Part {number}", {}, SENTENCE * 100) for number in range(2)]
# Which statuses each light went through, noted before the page's own script runs.
WATCH_LIGHTS = """
window.walked = JSON.parse(sessionStorage.getItem("walked") ?? "{}");
document.addEventListener("DOMContentLoaded", () => {
  const note = () => {
    for (const light of document.querySelectorAll("[data-agent]")) {
      const list = (window.walked[light.dataset.agent] ??= []);
      if (list.at(-1) !== light.dataset.status) list.push(light.dataset.status);
    }
    sessionStorage.setItem("walked", JSON.stringify(window.walked));
  };
  note();
  new MutationObserver(note).observe(document.body, {
    attributes: true, subtree: true, attributeFilter: ["data-status"],
  });
});
"""


def sign_in(page, parley):
    page.goto(f"{parley.url}/account/login/")
    page.get_by_label(re.compile("mail", re.I)).first.fill("ana@acme.test")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(lambda url: "/account/login/" not in url)
    return page


@pytest.fixture
def ana(parley, visitor):
    """Return a function that gives a page of a fresh browser, signed in as Ana."""

    def arrive(**options):
        return sign_in(visitor(**options).new_page(), parley)

    return arrive


def write_script(page, parley, scenes, *, title="A film", button="Save and make the video"):
    """Write a script through the editor, scene by scene, and press the button."""
    page.goto(f"{parley.url}/studio/new")
    scenes_shown = page.locator(".scene")
    for left in (2, 1, 0):
        page.get_by_role("button", name=re.compile("^Remove")).first.click()
        expect(scenes_shown).to_have_count(left)
    page.get_by_label("Title", exact=True).fill(title)
    for number, (kind, heading, more, narration) in enumerate(scenes):
        page.get_by_label("Next scene").select_option(kind)
        page.get_by_role("button", name="Add scene").click()
        expect(scenes_shown).to_have_count(number + 1)
        scene = page.locator(f"#scene-{number}")
        scene.get_by_label("Heading").fill(heading)
        scene.get_by_label("What the voice says").fill(narration)
        for field, text in more.items():
            scene.locator(f"[name$={field}]").fill(text)
    page.get_by_role("button", name=button).click()
    page.wait_for_url(re.compile(r"/studio/video_\w+$"))
    return page.url


def light(page, agent):
    return page.locator(f'[data-agent="{agent}"]')


def expect_finished(page):
    expect(page.locator("video")).to_be_visible(timeout=MAKING_MS)
    for agent in AGENTS:
        expect(light(page, agent)).to_have_attribute("data-status", "finished")
        expect(light(page, agent).locator("[data-word]")).to_have_text("Finished")


def wait_until(page, expression):
    """Wait for an expression to hold; the page's policy forbids playwright's own waiting."""
    for _ in range(150):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it never came to hold: {expression}")


@pytest.fixture
def finished(ana, parley):
    """Return a page with a finished video and its address."""
    page = ana()
    url = write_script(page, parley, SHORT)
    expect_finished(page)
    return page, url


def test_from_a_script_to_a_video_that_plays_with_captions(ana, parley):
    page = ana()
    answers = []
    page.on("response", lambda one: answers.append((one.url, one.status)))
    page.context.add_init_script(WATCH_LIGHTS)
    write_script(page, parley, SHORT)
    expect_finished(page)

    walked = json.loads(page.evaluate("sessionStorage.getItem('walked')"))
    order = ["waiting", "starting", "processing", "finished"]
    for agent in AGENTS:
        # A light may be too quick to be seen in one state; it never goes back or fails.
        places = [order.index(status) for status in walked[agent]]
        assert places == sorted(places), walked
        assert walked[agent][-1] == "finished"
    assert len(walked["Orchestrator"]) >= 3, walked

    length = page.evaluate("document.querySelector('video').duration")
    assert 5 < length < 40
    page.evaluate("document.querySelector('video').muted = true")
    page.evaluate("document.querySelector('video').play()")
    wait_until(page, "document.querySelector('video').currentTime > 0.8")
    captions = "document.querySelector('video').textTracks[0]"
    assert page.evaluate(f"{captions}.kind") == "captions"
    assert page.evaluate(f"{captions}.mode") == "showing"
    wait_until(page, f"({captions}.activeCues ?? []).length > 0")
    shown = page.evaluate(f"{captions}.activeCues[0].text")
    assert "heard from five" in shown.replace("\n", " ")
    assert page.evaluate("document.querySelector('video').videoWidth") == 1920
    assert any(status == 206 for url, status in answers if "/api/video-files/" in url)

    chapter = page.get_by_role("link", name=re.compile("Thank you"))
    at = float(chapter.get_attribute("data-seek"))
    chapter.click()
    wait_until(page, f"document.querySelector('video').currentTime >= {at - 0.2}")
    expect(page.get_by_text("Why they left").first).to_be_attached()


def test_the_log_and_the_costs_are_shown(finished):
    page, _ = finished
    page.get_by_text("Log", exact=True).click()
    lines = page.locator(".log__line").all_inner_texts()
    assert "Orchestrator" in lines[0]
    assert "starting" in lines[0]
    assert "finished" in lines[-1]
    expect(page.locator("[data-total-cost]")).to_contain_text("$0")
    expect(light(page, "Agent2")).to_contain_text("3 files")


def test_cancel_and_retry(ana, parley):
    page = ana()
    write_script(page, parley, LONG, title="A long one")
    expect(light(page, "Agent4")).to_have_attribute(
        "data-status", re.compile("starting|processing")
    )
    page.get_by_role("button", name="Cancel").click()

    expect(page.get_by_text("Nothing was published.")).to_be_visible(timeout=15_000)
    expect(light(page, "Orchestrator")).to_have_attribute("data-status", "error")
    expect(light(page, "Orchestrator")).to_contain_text("cancelled")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(light(page, "Orchestrator")).to_have_attribute(
        "data-status", re.compile("starting|processing"), timeout=15_000
    )
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Nothing was published.")).to_be_visible(timeout=15_000)


def test_everything_works_without_javascript(ana, parley):
    page = ana(java_script_enabled=False)
    url = write_script(page, parley, SHORT, title="Without script")
    for _ in range(60):
        if page.locator("video").count():
            break
        page.wait_for_timeout(1000)
        page.goto(url)
    expect_finished(page)
    expect(page.locator("video track")).to_have_count(2)
    page.get_by_role("button", name="Make it again").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.goto(url)
    expect(page.get_by_text(re.compile("Nothing was published|Whole video")).first).to_be_visible()


def test_a_late_comer_and_one_whose_socket_is_blocked_see_the_truth(ana, parley):
    first = ana()
    url = write_script(first, parley, LONG, title="Watched by three")
    expect(light(first, "Agent5")).to_have_attribute("data-status", "processing", timeout=40_000)

    late = ana()
    late.goto(url)
    blocked = ana()
    blocked.add_init_script(
        "window.WebSocket = class extends EventTarget { constructor() { super(); "
        "setTimeout(() => this.dispatchEvent(new CloseEvent('close', { code: 1006 })), 10); } };"
    )
    blocked.goto(url)
    for page in (late, blocked):
        expect(light(page, "Agent4")).to_have_attribute("data-status", "finished")
        expect(light(page, "Agent5")).to_have_attribute("data-status", "processing")

    late.get_by_role("button", name="Cancel").click()
    for page in (first, late, blocked):
        expect(page.get_by_text("Nothing was published.")).to_be_visible(timeout=20_000)


def test_a_socket_that_comes_back_asks_for_what_it_missed(finished):
    page, url = finished
    asked = []
    page.on("websocket", lambda one: asked.append(one.url))
    page.goto(url)
    page.wait_for_timeout(300)

    last = max(int(seq) for seq in page.locator("[data-agent]").evaluate_all(
        "(all) => all.map((one) => one.dataset.seq)"
    ))  # fmt: skip
    assert asked[0].endswith(f"?after={last}")
    page.wait_for_timeout(500)
    expect(page.locator(".log__line", has_text="Agent5")).not_to_have_count(0)
    numbers = page.locator(".log__line").evaluate_all("(all) => all.map((one) => one.dataset.seq)")
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(ana, parley, check_access, scheme):
    page = ana(color_scheme=scheme)
    url = write_script(page, parley, SHORT, title="Looked at")
    check_access(page, f"{scheme} running", "main")
    expect_finished(page)
    check_access(page, f"{scheme} finished", "main")
    page.evaluate(
        "document.querySelectorAll('[data-agent]').forEach((one, place) => "
        "{ one.dataset.status = ['waiting', 'starting', 'processing', 'error'][place]; })"
    )
    check_access(page, f"{scheme} every light", "main")
    page.goto(f"{url}/script")
    check_access(page, f"{scheme} script", "main")
    page.get_by_label("Title", exact=True).fill("")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    check_access(page, f"{scheme} refused script", "main")
    page.goto(f"{parley.url}/studio/")
    check_access(page, f"{scheme} list", "main")


def test_on_a_phone_nothing_is_cut_off(finished, ana, parley):
    _, url = finished
    page = ana(viewport={"width": 360, "height": 740})
    for path in (url, f"{url}/script", f"{parley.url}/studio/", f"{parley.url}/studio/new"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_blinking_is_slow_ends_and_respects_who_wants_none(finished, ana):
    page, url = finished
    moving = "getComputedStyle(document.querySelector('.light__lamp'))"
    start = "document.querySelector('[data-agent]').dataset.status = 'starting'"
    page.evaluate(start)
    assert page.evaluate(f"[{moving}.animationDuration, {moving}.animationIterationCount]") == [
        "1.25s", "4",
    ]  # fmt: skip
    still = ana(reduced_motion="reduce")
    still.goto(url)
    still.evaluate(start)
    assert still.evaluate(f"{moving}.animationName") == "none"
    assert still.evaluate(f"{moving}.borderTopColor") == page.evaluate(f"{moving}.borderTopColor")


def test_a_link_that_expired_is_renewed_by_the_player(finished):
    page, _ = finished
    page.evaluate("document.querySelector('video').src = '/api/video-files/gone'")

    wait_until(
        page,
        "document.querySelector('video').readyState >= 1 && !document.querySelector('video').error",
    )
    assert "/api/video-files/gone" not in page.evaluate("document.querySelector('video').src")


def programs_in(folder: Path) -> list[str]:
    """Return the command lines of processes that work below a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            place = (entry / "cwd").readlink()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(place).startswith(str(folder)):
            found.append(command)
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
def test_the_death_of_the_server_ends_in_a_video_and_leaves_nothing_running(ana, parley):
    page = ana()
    write_script(page, parley, MEDIUM, title="Outlives its server")
    expect(light(page, "Agent5")).to_have_attribute("data-status", "processing", timeout=40_000)

    parley.stop(kill=True)
    expect(page.locator("[data-trouble]")).to_be_visible(timeout=30_000)
    work = parley.folder / "video-work"
    page.wait_for_timeout(1000)
    assert programs_in(work) == []

    parley.start()
    # The lease of the dead worker runs out, the next attempt goes on, and the page follows.
    expect_finished_after_crash(page)
    page.get_by_text("Log", exact=True).click()
    expect(page.locator(".log")).to_contain_text("The worker was lost")
    assert not work.exists() or not any(path.is_dir() for path in work.glob("video_*"))


def expect_finished_after_crash(page):
    expect(page.locator("video")).to_be_visible(timeout=120_000)
    expect(light(page, "Orchestrator")).to_have_attribute("data-status", "finished")

"""The chat page in a real browser on a real server: typing, reload, outage, blocked sockets."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NO_SOCKETS = "window.WebSocket = class { constructor() { throw new Error('blocked'); } };"


class Server:
    """A demo server of its own, with its own data, on a free port of this machine."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        self.environment = {
            **kept,
            "PARLEY_ENV_FILE": "",
            "PARLEY_DEMO": "true",
            "CHAT_PUBLIC": "true",
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
            "SITE_URL": self.url,
            "JOBS_MODE": "auto",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        for name in ("SECRET_KEY", "ALLOWED_HOSTS", "DEBUG", "STATIC_ROOT"):
            self.environment.pop(name, None)
        self.run("manage.py", "migrate", "--verbosity", "0")
        self.process = None

    def run(self, *arguments):
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=self.environment, check=True)

    def start(self):
        self.process = subprocess.Popen(
            ["sh", str(ROOT / "scripts" / "serve_web.sh")],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the server did not open its port within a minute")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("chat-server"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def browser():
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "Chromium is missing: run 'make test-browser', which installs it"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def open_chat(browser, server):
    """Return a function that opens the chat page and starts a conversation by keyboard."""
    complaints = []

    def open_in(*, before="", **options):
        page = browser.new_context(base_url=server.url, **options).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        if before:
            page.add_init_script(before)
        page.goto("/chat")
        page.get_by_role("button", name="Start").focus()
        page.keyboard.press("Enter")
        expect(turns(page)).to_have_count(1)
        return page

    yield open_in
    assert complaints == []


def turns(page):
    return page.locator(".chat__turn")


def say(page, words, *, expected):
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(turns(page)).to_have_count(expected)


def test_a_conversation_by_keyboard_survives_a_reload(open_chat):
    page = open_chat()
    say(page, "I use a calendar every day.", expected=3)
    say(page, "<img src=x onerror=alert(1)> <b>Monday</b> it crashed.", expected=5)

    page.reload()

    expect(turns(page)).to_have_count(5)
    expect(turns(page).nth(3)).to_contain_text("<img src=x onerror=alert(1)> <b>Monday</b>")
    expect(page.locator("[data-chat-status]")).to_have_text("Live")


def test_pausing_and_ending(open_chat):
    page = open_chat()

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-chat-status]")).to_have_text("Paused")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-chat-status]")).to_have_text("Live")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="End it").click()

    expect(page.get_by_text("The conversation was ended.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the transcript").click()
    assert Path(download.value.path()).read_text("utf-8").startswith("[00:00:00] Agent: ")
    page.get_by_role("button", name="Start another one").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def test_words_written_while_the_server_is_down_arrive_once(open_chat, server):
    page = open_chat()

    server.kill()
    expect(page.get_by_text("The connection was lost.")).to_be_visible()
    page.keyboard.type("Written while you were away.")
    page.keyboard.press("Enter")
    expect(page.get_by_text("sending…")).to_be_visible()
    server.start()

    expect(turns(page)).to_have_count(3, timeout=60_000)
    expect(page.get_by_text("sending…")).to_have_count(0)
    page.reload()
    expect(turns(page)).to_have_count(3)


def test_where_sockets_are_blocked_it_goes_on_over_http(open_chat):
    page = open_chat(before=NO_SOCKETS)

    expect(page.get_by_text("Live connection blocked here")).to_be_visible()
    say(page, "I use mail.", expected=3)
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_text("The conversation was ended.")).to_be_visible()


def test_two_tabs_show_the_same(open_chat, server):
    page = open_chat()
    stored = page.evaluate("sessionStorage.getItem('parley.chat')")
    other = page.context.new_page()
    other.add_init_script(f"sessionStorage.setItem('parley.chat', {stored!r})")
    other.goto("/chat")
    expect(turns(other)).to_have_count(1)

    page.bring_to_front()
    page.locator("[data-chat-input]").focus()
    say(page, "I use a calendar.", expected=3)

    expect(turns(other)).to_have_count(3)


def test_in_spanish_the_script_speaks_spanish_and_the_switch_keeps_what_is_typed(browser, server):
    page = browser.new_context(base_url=server.url, locale="es-ES").new_page()
    page.goto("/chat")
    page.get_by_role("button", name="Empezar", exact=True).click()
    expect(turns(page)).to_have_count(1)
    page.get_by_role("button", name="Pausar").click()
    expect(page.locator("[data-chat-status]")).to_have_text("En pausa")
    page.locator("[data-chat-input]").fill("Sin enviar todavía")

    page.get_by_role("link", name="English").click()

    page.wait_for_url("**/chat?lang=en")
    expect(page.locator("[data-chat-input]")).to_have_value("Sin enviar todavía")
    expect(turns(page).locator(".chat__text")).to_have_attribute("lang", "es")
    expect(page.locator("[data-chat-status]")).to_have_text("Paused")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="End it").click()
    page.get_by_role("button", name="Start another one").click()
    page.get_by_label("Language").select_option("es")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "es")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_the_page_fits(open_chat, width, scheme):
    page = open_chat(viewport={"width": width, "height": 700}, color_scheme=scheme)

    assert page.evaluate("document.documentElement.scrollWidth") <= width

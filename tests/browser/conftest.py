"""A real server, a real Chromium and a page of another origin, for the tests of the widget.

The server is a process of its own with its own folder, so that it can be killed and started again
in the middle of a conversation. Tests act on the company's side through the API alone.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
START_SECONDS = 90
# Of a page on a machine whose cores are all taken; what holds already is not waited for.
expect.set_options(timeout=15_000)
QUESTIONS = [
    {"text": "What happened the last time you ordered from us?", "max_probes": 0},
    {"text": "How likely are you to come back, from 1 to 5?", "kind": "rating", "max_probes": 0},
]


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class ParleyServer:
    """One server process and the folder it lives in."""

    folder: Path
    port: int
    key: str = ""
    identity_secret: str = ""
    process: subprocess.Popen | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        # DEBUG, because it is plain HTTP: a production server would redirect to TLS.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "PARLEY_ENV_FILE": "",
            "DEBUG": "true",
            "PORT": str(self.port),
            "DATA_DIR": str(self.folder),
            "LOG_STREAM": "none",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SURVEY_STARTS_PER_IP_HOUR": "10000",
            "WIDGET_CACHE_SECONDS": "0",
        }

    def seed(self) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "tests.browser.world"],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300,
            check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        given = json.loads(made.stdout.strip().splitlines()[-1])
        self.key, self.identity_secret = given["key"], given["identity_secret"]

    def start(self) -> None:
        # What a deployment runs; the demo gives uvicorn the same options (ADR 91).
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", str(ROOT / "scripts" / "serve_web.sh")],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health/live", timeout=2):
                    return
            except OSError:
                assert self.process.poll() is None, (self.folder / "server.log").read_text()[-3000:]
                assert time.monotonic() < until, "the server did not start in time"
                time.sleep(0.1)

    def stop(self, *, kill: bool = False) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def call(self, method: str, path: str, body: object = None) -> dict:
        """Call the API as the company."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from error


@pytest.fixture(scope="session")
def parley():
    """Return a running server with a funded company."""
    folder = Path(tempfile.mkdtemp(prefix="parley-browser-"))
    server = ParleyServer(folder=folder, port=free_port())
    try:
        server.seed()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Asked:
    """A survey of the company."""

    survey_id: str
    key: str
    server: ParleyServer

    def sessions(self) -> list[dict]:
        return self.server.call("GET", f"/survey/{self.survey_id}/sessions")["results"]


@pytest.fixture
def ask(parley):
    """Return a function that creates a survey; fields given replace the usual ones."""

    def create(**fields) -> Asked:
        body = {
            "title": "Your last order",
            "description": "Two questions about your last order.",
            "questions": QUESTIONS,
            "payment_min": 5,
            "payment_max": 20,
            "languages": ["en"],
            "max_responses": 5,
            **fields,
        }
        made = parley.call("POST", "/survey/create", body)
        return Asked(made["survey_id"], made["publishable_key"], parley)

    return create


def _load_host_page():
    spec = importlib.util.spec_from_file_location(
        "host_page_example", ROOT / "examples" / "host-page" / "serve.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def host_page(parley):
    """Return a function that serves the example host page for a survey, on another origin."""
    servers = []

    def serve(asked: Asked, *, left_out: str = "") -> str:
        server = _load_host_page().build_server(
            port=0,
            parley=parley.url,
            survey=asked.survey_id,
            key=asked.key,
            left_out=left_out,
        )
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


# Not for the whole run: playwright's loop occupies the thread, and other modules start their own.
@pytest.fixture(scope="module")
def chromium():
    """Return a running Chromium."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "Chromium is missing: run 'make test-browser', which installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium):
    """Return a function that gives a fresh visitor: a browser profile that knows nothing."""
    contexts = []

    def arrive(**options):
        options.setdefault("locale", "en-US")
        options.setdefault("viewport", {"width": 1100, "height": 800})
        context = chromium.new_context(**options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context

    yield arrive
    for context in contexts:
        context.close()


@contextmanager
def listening(page):
    """Collect what the page complains of: console errors, exceptions, dialogs."""
    complaints: list[str] = []

    def on_dialog(dialog):
        complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", on_dialog)
    yield complaints


@pytest.fixture
def check_access():
    """Return a function that has axe-core look at the widget, shadow tree included."""
    if not AXE.is_file():
        pytest.skip("axe-core is not there: npm is missing, or scripts/install_axe.sh was not run")
    source = AXE.read_text(encoding="utf-8")

    def check(page, screen: str, scope: str = "parley-widget") -> None:
        page.wait_for_load_state()
        if not page.evaluate("matchMedia('(prefers-reduced-motion)').matches"):
            page.wait_for_timeout(350)  # colours are wrong while a screen fades in
        if not page.evaluate("typeof window.axe === 'object'"):
            page.evaluate(source + ";0")
        found = page.evaluate(
            """async (scope) => {
                const report = await window.axe.run(scope, { resultTypes: ["violations"] });
                const where = (node) => `${node.target.flat(9).join(" ")}: ${node.failureSummary}`;
                return report.violations.map((one) => [one.id, one.nodes.map(where)]);
            }""",
            scope,
        )
        assert found == [], f"{screen}: {found}"

    return check

"""Every page a person can reach by links, as four people of the demo see it, looked at by axe.

Starts the demo as `make demo` does and follows the links of its pages, one page a route. So a page
nobody can find, or one that is too wide, breaks the content policy or shuts somebody out, fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from surveys.demo.content import DEMO_PASSWORD
from tests.browser.conftest import AXE, ROOT, free_port, listening

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

START_SECONDS = 180
PEOPLE = ("", "visitor@demo.example", "operator@demo.example", "owner@demo.example")
SCREENS = (("light", 360), ("dark", 360), ("dark", 1280), ("light", 1280))

# What has no page behind it, by the beginning of its route.
NOT_PAGES = (
    *("api/", "admin/", "webhook", "health", "metrics", "widget", ".well-known/", "favicon"),
    *("session", "survey", "token", "transcripts/", "^transcripts/", "account/logout/"),
    *("account/company/switch/", "console/surveys/try/", "console/identity/", "shop/save/"),
    *("inbox/list/", "inbox/media/", "simulator/phones/", "simulator/<str:phone_id>/", "proof/"),
    *("console/ledger/fund/", "executor/<str:execution_id>/video"),
)
# Buttons and pieces of pages, by the end of their route.
NOT_PAGE_ENDS = (
    *("/start", "/cancel", "/delete", "/captions.vtt", "/chapters.vtt", "/thread/", "/reply/"),
    *("/do/<str:action>/", "/revoke/", "/resend/", "/role/", "/remove/", "/erase/", "/pay/"),
    *("/rotate/", "/test/", "/state/", "/replay/", "/delete/"),
    *(
        "/duplicate/",
        "/status/",
        "/insights/refresh/",
        "/insights/video/",
        "/void",
        "/download/",
        "/language",
    ),
)
# Pages no link leads to, with the reason; each has tests of its own.
NO_LINK = {
    "styleguide/": "for developers, with DEBUG",
    "account/login/code/": "after a password, with a second factor",
    "account/invitation/": "from a mail",
    "account/password/reset/<uidb64>/<token>/": "from a mail",
    "account/password/reset/sent/": "after a form",
    "account/password/reset/complete/": "after a form",
    "account/password/change/done/": "after a form",
    "account/company/new/": "the demo's people have one",
    "account/erased/": "after a form",
    "upgrade/pay/<str:purchase_id>": "after a form",
    "pay/<str:payment_id>/": "from a message",
}

# A row that scrolls sideways hides its last ways from whoever does not think of trying.
HIDDEN_WAYS = """[...document.querySelectorAll("nav a")]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.textContent.trim())"""


def page_routes() -> set[str]:
    """Return the routes a browser may open, without what answers something else than a page."""

    def walk(resolver: URLResolver, prefix: str) -> Iterator[str]:
        for one in resolver.url_patterns:
            route = prefix + str(one.pattern)
            if isinstance(one, URLResolver):
                yield from walk(one, route)
            elif isinstance(one, URLPattern):
                yield route

    return {one for one in walk(get_resolver(), "") if is_page(one)}


def is_page(route: str) -> bool:
    return not route.startswith(NOT_PAGES) and not route.endswith(NOT_PAGE_ENDS)


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Start the demo in a process of its own and return its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="parley-demo-") as folder:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        log = Path(folder) / "demo.out"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "demo"],
                cwd=ROOT,
                env=kept | {"PARLEY_ENV_FILE": "", "PORT": str(port), "DATA_DIR": folder},
                stdout=out,
                stderr=out,
            )
        try:
            until = time.monotonic() + START_SECONDS
            while not _answers(f"{url}/health/ready"):
                assert process.poll() is None, log.read_text()[-2000:]
                assert time.monotonic() < until, log.read_text()[-2000:]
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def log_in(page, url: str, email: str) -> None:
    page.goto(f"{url}/account/login/")
    page.locator("input[type=email]").fill(email)
    page.locator("input[type=password]").fill(DEMO_PASSWORD)
    page.locator("input[type=password]").press("Enter")
    page.wait_for_url(lambda address: "/account/login/" not in address)


def route_of(path: str) -> str | None:
    """Return the route that answers a path, None for what is no page."""
    try:
        route = resolve(path).route
    except Resolver404:
        return None
    return route if is_page(route) else None


def look_at(page, check_access) -> None:
    """Assert that a page fits, complains of nothing and shuts nobody out, on each screen."""
    for scheme, width in SCREENS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{page.url} is {over} px too wide at {width}"
        assert page.evaluate(HIDDEN_WAYS) == [], f"{page.url} at {width}"
        check_access(page, f"{page.url} {scheme} {width}", scope="body")


def links_of(page, url: str) -> list[str]:
    hrefs = page.evaluate("[...document.querySelectorAll('a[href]')].map((one) => one.href)")
    return [urlsplit(one).path for one in hrefs if one.startswith(f"{url}/")]


def crawl(browser, demo: str, check_access, *, email: str, known: frozenset[str]) -> set[str]:
    """Open one page of each route a person can reach by links; return the routes.

    Those in `known` were looked at with somebody else's eyes and are only opened.
    """
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(20_000)
    page = context.new_page()
    if email:
        log_in(page, demo, email)
    seen: dict[str, str] = {}
    waiting = [("/", ""), ("/wallet/", "")]
    with listening(page) as complaints:
        while waiting:
            path, source = waiting.pop(0)
            route = route_of(path)
            if route is None or route in seen:
                continue
            seen[route] = path
            # Files to keep are no pages; their routes are tested by their apps.
            if path.endswith((".csv", ".jsonl", ".txt", ".vtt")):
                continue
            response = page.goto(demo + path)
            assert response is not None
            assert response.status == 200, f"{email or 'a visitor'} is led from {source} to {path}"
            if route not in known:
                page.wait_for_load_state("load")
                look_at(page, check_access)
            waiting += [(one, path) for one in links_of(page, demo)]
        assert complaints == []
    context.close()
    return set(seen)


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not there: scripts/install_axe.sh")
def test_people_find_every_page_and_each_holds(demo, chromium, check_access):
    reached: set[str] = set()
    for email in PEOPLE:
        reached |= crawl(chromium, demo, check_access, email=email, known=frozenset(reached))

    assert page_routes() - reached - set(NO_LINK) == set()

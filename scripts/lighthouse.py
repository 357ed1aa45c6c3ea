"""Print Lighthouse's scores of the public pages, and fail when one is below 95.

    python -m scripts.lighthouse [--url http://127.0.0.1:8000] [--form mobile|desktop]

Without --url it starts a demo of its own on a free port. Lighthouse comes from npm into
DATA_DIR/lighthouse, Chromium is this machine's. The hosted survey and the wallet ask search engines
to stay away, on purpose: their SEO score is shown and not demanded.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VERSION = "12.8.2"
NEEDED = 95
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
NPM_OPTIONS = (
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--silent",
)
PAGES = ("/", "/account/login/", "/account/signup/", "/chat", "/demo/host/", "/wallet/")
START_SECONDS = 240
PAGE_SECONDS = 180
FOLDER = Path(os.environ.get("DATA_DIR", "").strip() or "var").resolve() / "lighthouse"
ROOT = Path(__file__).resolve().parents[1]


def install() -> Path:
    """Return the program, fetched from npm the first time."""
    program = FOLDER / "node_modules" / ".bin" / "lighthouse"
    package = FOLDER / "node_modules" / "lighthouse" / "package.json"
    if package.is_file() and json.loads(package.read_text())["version"] == VERSION:
        return program
    if shutil.which("npm") is None:
        raise SystemExit("Lighthouse comes from npm, which is not installed.")
    print(f"fetching lighthouse {VERSION} from npm", file=sys.stderr)
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["npm", "install", "--prefix", str(FOLDER), *NPM_OPTIONS, f"lighthouse@{VERSION}"],
        check=True,
    )
    return program


@contextmanager
def running_demo() -> Iterator[str]:
    """Serve a demo in a folder of its own for as long as the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "DATA_DIR": str(FOLDER / "demo")}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "demo.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "demo"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + START_SECONDS
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"The demo did not start: see {FOLDER / 'demo.log'}")
            time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health/live", timeout=5):  # noqa: S310 - loopback
            return True
    except (OSError, urllib.error.URLError):
        return False


def find_survey(url: str) -> str | None:
    """Return the hosted page of the survey on the example host page."""
    with urllib.request.urlopen(f"{url}/demo/host/", timeout=20) as page:  # noqa: S310 - loopback
        found = re.search(r'data-survey="(survey_\w+)"', page.read().decode())
    return f"/s/{found[1]}" if found else None


def measure(program: Path, url: str, *, form: str) -> dict[str, Any]:
    """Return Lighthouse's report of one page."""
    chromium = subprocess.run(
        ["scripts/find_chromium.sh"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
    done = subprocess.run(
        [str(program), url, "--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}"]
        + ["--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage"]
        + (["--preset=desktop"] if form == "desktop" else []),
        env={**os.environ, "CHROME_PATH": chromium},
        check=False,
        capture_output=True,
        text=True,
        timeout=PAGE_SECONDS,
    )
    if done.returncode != 0:
        raise SystemExit(f"Lighthouse failed on {url}:\n{done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def main() -> int:
    """Measure all pages. Returns 1 when a score that is demanded is below 95."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--form", choices=("mobile", "desktop"), default="mobile")
    parser.add_argument("--runs", type=int, default=1, help="of which the median counts")
    options = parser.parse_args()
    program = install()
    if options.url:
        return print_scores(program, options.url.rstrip("/"), options.form, options.runs)
    with running_demo() as url:
        return print_scores(program, url, options.form, options.runs)


def print_scores(program: Path, url: str, form: str, runs: int) -> int:
    """Print a line a page and what cost points."""
    survey = find_survey(url)
    pages = [*PAGES, survey] if survey else list(PAGES)
    print(f"Lighthouse {VERSION}, {form}, median of {runs}")
    print(f"{'page':<24}" + "".join(f"{name:>16}" for name in CATEGORIES))
    below = []
    for path in pages:
        reports = [measure(program, url + path, form=form) for _ in range(runs)]
        shown = "/s/{survey}" if path == survey else path
        scores = {
            name: round(
                100 * statistics.median(one["categories"][name]["score"] for one in reports)
            )
            for name in CATEGORIES
        }
        is_private = is_kept_from_search(reports[0])
        cells = [
            f"{score}{'*' if name == 'seo' and is_private else ''}"
            for name, score in scores.items()
        ]
        print(f"{shown:<24}" + "".join(f"{cell:>16}" for cell in cells), flush=True)
        for name, score in scores.items():
            if score < NEEDED and not (name == "seo" and is_private):
                below.append(f"{shown} {name} {score}: {', '.join(costs(reports[0], name))}")
    print("* asks search engines to stay away, on purpose")
    print("\n".join(below))
    return 1 if below else 0


def is_kept_from_search(report: dict[str, Any]) -> bool:
    """Tell whether the page asks not to be found by search engines."""
    return bool(report["audits"]["is-crawlable"]["score"] == 0)


def costs(report: dict[str, Any], category: str) -> list[str]:
    """Return the audits of a category that were not passed in full."""
    references = report["categories"][category]["auditRefs"]
    scores = {
        one["id"]: report["audits"][one["id"]]["score"] for one in references if one["weight"]
    }
    return [f"{name} {score}" for name, score in scores.items() if score is not None and score < 1]


if __name__ == "__main__":
    sys.exit(main())

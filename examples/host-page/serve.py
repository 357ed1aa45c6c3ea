"""A page of another origin with the Parley widget on it, under a strict Content-Security-Policy.

    python examples/host-page/serve.py --parley http://127.0.0.1:8000 --survey survey_… --key pk_…

Then open http://127.0.0.1:8100/. Needs nothing beside Python; for trying things out, not for
serving a site. ``--leave-out connect`` and ``--leave-out socket`` send a policy with a hole in it,
to see how the widget tells which line is missing.
"""

from __future__ import annotations

import argparse
import html
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(__file__).resolve().parent
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


def build_policy(parley: str, left_out: str = "") -> str:
    """Return the Content-Security-Policy: the page's own files, and what the widget needs.

    Args:
        parley: origin of the Parley server, such as ``https://parley.example``.
        left_out: ``connect`` leaves the widget's connect-src out, ``socket`` its WebSocket only.
    """
    socket = parley.replace("http", "ws", 1)
    allowed = {"connect": "'self'", "socket": f"'self' {parley}"}
    connect = allowed.get(left_out, f"'self' {parley} {socket}")
    return "; ".join(
        (
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self' data:",
            f"script-src 'self' {parley}",
            f"connect-src {connect}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


class HostPageHandler(BaseHTTPRequestHandler):
    """Serves the three files of this folder."""

    def __init__(self, *args: object, filling: dict[str, str], policy: str) -> None:
        self.filling = filling
        self.policy = policy
        super().__init__(*args)  # type: ignore[arg-type]  # what socketserver hands over

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.lstrip("/") or "index.html"
        if name not in ("index.html", "host.js", "host.css"):
            self.send_error(404)
            return
        path = FOLDER / name
        text = path.read_text(encoding="utf-8")
        if name == "index.html":
            for place, value in self.filling.items():
                text = text.replace("{" + place + "}", html.escape(value, quote=True))
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{TYPES[path.suffix]}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", self.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep quiet: the terminal belongs to the address and to errors."""


def build_server(
    *, port: int, parley: str, survey: str, key: str, left_out: str = ""
) -> ThreadingHTTPServer:
    """Return the server, bound to this machine alone; port 0 takes a free one."""
    filling = {"parley": parley.rstrip("/"), "survey": survey, "key": key}
    handler = partial(
        HostPageHandler, filling=filling, policy=build_policy(filling["parley"], left_out)
    )
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


def main() -> None:
    """Serve until Ctrl+C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--parley", default="http://127.0.0.1:8000", help="Origin of Parley.")
    parser.add_argument("--survey", required=True, help="survey_… from the install page.")
    parser.add_argument("--key", required=True, help="pk_… from the install page.")
    parser.add_argument("--leave-out", choices=["connect", "socket"], default="")
    options = parser.parse_args()
    server = build_server(
        port=options.port,
        parley=options.parley,
        survey=options.survey,
        key=options.key,
        left_out=options.leave_out,
    )
    print(f"Host page: http://127.0.0.1:{options.port}/ (end with Ctrl+C)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()

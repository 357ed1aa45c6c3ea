"""A Stripe that remembers, on a loopback port: what the payout adapter needs of it and no more.

It keeps the promises that matter: one object for an idempotency key, the first stored answer
replayed (an error of the server included), another payload under a key refused, a key in use
answered 409. Faults are scripted per path and used up in order.

    with StripeServer() as server:
        server.faults.append(Fault("/v1/transfers", kind="time_out_after"))
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

ONBOARDING_PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8">
<title>Where to send it</title><link rel="icon" href="data:,">
<h1>Where to send it</h1><form method="post"><button>Finish</button></form></html>"""

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next request of a path.

    ``error_before``: 500 without looking at the request, nothing stored.
    ``error_stored``: 500 kept under the key and replayed.
    ``error_after``: the work is done and kept, but this answer is a 500.
    ``time_out_after``: the work is done, the answer comes too late.
    ``limited``: 429.  ``refused``: 400 with ``code``, kept under the key.
    ``refused_after``: 400 with ``code``, although the work is done.
    ``garbage``: 200 with a page of HTML.  ``in_use``: 409.
    """

    path: str
    kind: str
    method: str = "POST"
    code: str = "account_invalid"


class StripeServer:
    """Serve on 127.0.0.1 until the block ends."""

    def __init__(self, *, webhook_secret: str = "whsec_test", hang_seconds: float = 1.0) -> None:
        self.webhook_secret = webhook_secret
        self.hang_seconds = hang_seconds
        self.transfers: dict[str, dict[str, Any]] = {}
        self.accounts: dict[str, dict[str, Any]] = {}
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[str, str, str]] = []
        """Method, path and idempotency key of each request, in order."""
        self._kept: dict[str, tuple[str, Answer]] = {}
        self._lock = threading.Lock()
        self._numbers = 0
        self._return_urls: dict[str, str] = {}

    # --- the server ----------------------------------------------------------------------------

    def __enter__(self) -> Self:
        stripe = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stripe._serve(self, "GET")

            def do_POST(self) -> None:
                stripe._serve(self, "POST")

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _serve(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length).decode()
        address = urlsplit(handler.path)
        key = handler.headers.get("Idempotency-Key", "")
        with self._lock:
            self.requests.append((method, address.path, key))
            fault = self._next_fault(method, address.path)
            status, answer, headers, raw = self._answer(
                fault, method, address.path, address.query, body, key
            )
        if fault is not None and fault.kind == "time_out_after":
            time.sleep(self.hang_seconds)
        payload = raw if raw is not None else json.dumps(answer).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "text/html" if raw else "application/json")
            handler.send_header("Content-Length", str(len(payload)))
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(payload)
        except (BrokenPipeError, ConnectionResetError):
            return  # the client has given up, which is what a time-out is

    def _next_fault(self, method: str, path: str) -> Fault | None:
        if self.faults and (self.faults[0].method, self.faults[0].path) == (method, path):
            return self.faults.popleft()
        return None

    def _answer(
        self, fault: Fault | None, method: str, path: str, query: str, body: str, key: str
    ) -> tuple[int, dict[str, Any], dict[str, str], bytes | None]:
        kind = fault.kind if fault else ""
        if kind == "error_before":
            return 500, _error("api_error", "server_error"), {}, None
        if kind == "limited":
            return 429, _error("invalid_request_error", "rate_limit"), {}, None
        if kind == "in_use":
            return 409, _error("invalid_request_error", "idempotency_key_in_use"), {}, None
        if kind == "garbage":
            return 200, {}, {}, b"<html>bad gateway</html>"
        if method == "POST" and key and key in self._kept:
            digest, kept = self._kept[key]
            if digest != _digest(path, body):
                return 400, _error("idempotency_error", "idempotency_key_reuse"), {}, None
            return *kept, {"Idempotent-Replayed": "true"}, None
        if path.startswith("/onboard/"):
            return self._onboard(method, path.removeprefix("/onboard/"))
        if kind == "error_stored":
            answer: Answer = (500, _error("api_error", "server_error"))
        elif kind == "refused":
            answer = (400, _error("invalid_request_error", fault.code if fault else ""))
        else:
            answer = self._route(method, path, parse_qs(query), _read_form(body))
        if method == "POST" and key:
            self._kept[key] = (_digest(path, body), answer)
        if kind == "refused_after":
            return 400, _error("invalid_request_error", fault.code if fault else ""), {}, None
        if kind == "error_after":
            return 500, _error("api_error", "server_error"), {}, None
        return *answer, {}, None

    # --- what it serves ------------------------------------------------------------------------

    def _route(
        self, method: str, path: str, query: dict[str, list[str]], form: dict[str, str]
    ) -> Answer:
        if method == "POST" and path.startswith("/test/accounts/"):
            # Not Stripe's: lets another process add a connected account.
            self.add_account(path.rpartition("/")[2])
            return 200, {}
        parts = path.strip("/").split("/")[1:]
        if parts == ["transfers"]:
            return self._make_transfer(form) if method == "POST" else self._list(query)
        if len(parts) == 2 and parts[0] == "transfers":
            found = self.transfers.get(parts[1])
            return (200, found) if found else (404, _error("invalid_request_error", "missing"))
        if len(parts) == 3 and parts[2] == "reversals":
            return self._reverse(parts[1], form)
        if parts == ["accounts"]:
            return self._open_account()
        if len(parts) == 2 and parts[0] == "accounts":
            account = self.accounts.get(parts[1])
            return (200, account) if account else (404, _error("invalid_request_error", "missing"))
        if parts == ["account_links"]:
            url = f"{self.url}/onboard/{form['account']}"
            self._return_urls[form["account"]] = form["return_url"]
            return 200, {"object": "account_link", "url": url, "created": 0, "expires_at": 300}
        return 404, _error("invalid_request_error", "unknown_path")

    def _make_transfer(self, form: dict[str, str]) -> Answer:
        destination = self.accounts.get(form["destination"])
        if destination is None:
            return 400, _error("invalid_request_error", "account_invalid")
        if destination["capabilities"]["transfers"] != "active":
            return 400, _error("invalid_request_error", "transfers_not_allowed")
        made: dict[str, Any] = {
            "id": self._new_id("tr"),
            "object": "transfer",
            "amount": int(form["amount"]),
            "amount_reversed": 0,
            "reversed": False,
            "currency": form["currency"],
            "destination": form["destination"],
            "transfer_group": form.get("transfer_group"),
            "metadata": {"reference": form.get("metadata[reference]", "")},
        }
        self.transfers[made["id"]] = made
        return 200, made

    def _list(self, query: dict[str, list[str]]) -> Answer:
        group = query.get("transfer_group", [""])[0]
        found = [made for made in self.transfers.values() if made["transfer_group"] == group]
        return 200, {"object": "list", "data": found, "has_more": False, "url": "/v1/transfers"}

    def _reverse(self, transfer_id: str, form: dict[str, str]) -> Answer:
        made = self.transfers.get(transfer_id)
        if made is None:
            return 404, _error("invalid_request_error", "missing")
        amount = int(form.get("amount", made["amount"]))
        if amount > made["amount"] - made["amount_reversed"]:
            return 400, _error("invalid_request_error", "reversal_too_large")
        made["amount_reversed"] += amount
        made["reversed"] = made["amount_reversed"] == made["amount"]
        return 200, {"id": self._new_id("trr"), "object": "transfer_reversal", "amount": amount}

    def _open_account(self) -> Answer:
        account: dict[str, Any] = {
            "id": self._new_id("acct"),
            "object": "account",
            "capabilities": {"transfers": "inactive"},
        }
        self.accounts[account["id"]] = account
        return 200, account

    def _onboard(
        self, method: str, reference: str
    ) -> tuple[int, dict[str, Any], dict[str, str], bytes | None]:
        """Serve the page a person gives their bank details on; its button ends it."""
        if reference not in self._return_urls:
            return 404, _error("invalid_request_error", "unknown_path"), {}, None
        if method == "POST":
            self.finish_onboarding(reference)
            return 303, {}, {"Location": self._return_urls[reference]}, b"<!doctype html>"
        return 200, {}, {}, ONBOARDING_PAGE

    def _new_id(self, prefix: str) -> str:
        self._numbers += 1
        return f"{prefix}_{self._numbers:06d}"

    # --- for the tests -------------------------------------------------------------------------

    def add_account(self, reference: str, *, is_ready: bool = True) -> None:
        """Add a connected account."""
        self.accounts[reference] = {
            "id": reference,
            "object": "account",
            "capabilities": {"transfers": "active" if is_ready else "inactive"},
        }

    def finish_onboarding(self, reference: str) -> None:
        """Let an account take transfers from now on."""
        self.accounts[reference]["capabilities"]["transfers"] = "active"

    def count(self, method: str, path: str) -> int:
        """Return how many requests of this kind came in."""
        return sum(1 for one in self.requests if one[:2] == (method, path))

    def event(
        self, kind: str, subject: dict[str, Any], *, event_id: str = "", account: str = ""
    ) -> bytes:
        """Return the raw body of an event about an object."""
        body: dict[str, Any] = {
            "id": event_id or self._new_id("evt"),
            "object": "event",
            "type": kind,
            "data": {"object": subject},
        }
        if account:
            body["account"] = account
        return json.dumps(body).encode()

    def sign(self, body: bytes, *, at: float | None = None, secret: str = "") -> str:
        """Return the ``Stripe-Signature`` header for a body."""
        moment = int(time.time() if at is None else at)
        message = f"{moment}.".encode() + body
        digest = hmac.new((secret or self.webhook_secret).encode(), message, hashlib.sha256)
        return f"t={moment},v1={digest.hexdigest()}"


def _error(kind: str, code: str) -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": f"fake: {code}"}}


def _read_form(body: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body).items()}


def _digest(path: str, body: str) -> str:
    return hashlib.sha256(f"{path}\n{body}".encode()).hexdigest()

"""A loopback Stripe of Checkout Sessions and subscriptions: what buying a plan needs of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

SECRET = "whsec_plans"


class CheckoutServer:
    """Serve on 127.0.0.1 until the block ends; `statuses` are answered first, in order."""

    def __init__(self) -> None:
        self.opened: dict[str, dict[str, list[str]]] = {}
        """Form of each session by idempotency key."""
        self.cancelled: list[str] = []
        self.statuses: list[int] = []

    def __enter__(self) -> Self:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                form = parse_qs(self.rfile.read(length).decode())
                key = self.headers.get("Idempotency-Key", "")
                if self._failed():
                    return
                server.opened.setdefault(key, form)
                number = list(server.opened).index(key) + 1
                url = f"https://checkout.stripe.test/{number}"
                self._send(200, {"id": f"cs_{number}", "object": "checkout.session", "url": url})

            def do_DELETE(self) -> None:
                if self._failed():
                    return
                reference = self.path.rpartition("/")[2]
                server.cancelled.append(reference)
                self._send(200, {"id": reference, "object": "subscription", "status": "canceled"})

            def _failed(self) -> bool:
                if not server.statuses:
                    return False
                status = server.statuses.pop(0)
                self._send(status, {"error": {"type": "api_error", "message": "no"}})
                return True

            def _send(self, status: int, body: dict[str, Any]) -> None:
                payload = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

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


def sign(body: bytes, *, secret: str = SECRET, age_seconds: int = 0) -> str:
    """Return the header Stripe would send with a body."""
    at = int(time.time()) - age_seconds
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def paid_event(
    reference: str, *, event_id: str = "evt_1", amount: int = 900, page: str = "cs_1"
) -> dict[str, Any]:
    """Return the event of a paid session."""
    return {
        "id": event_id,
        "type": "checkout.session.completed",
        "data": {
            "object": {
                "id": page,
                "client_reference_id": reference,
                "payment_status": "paid",
                "subscription": "sub_1",
                "amount_total": amount,
                "currency": "usd",
            }
        },
    }


def ended_event(reference: str, *, event_id: str = "evt_2") -> dict[str, Any]:
    """Return the event of a subscription that ended."""
    subject = {"id": "sub_1", "metadata": {"purchase": reference}}
    return {
        "id": event_id,
        "type": "customer.subscription.deleted",
        "data": {"object": subject},
    }

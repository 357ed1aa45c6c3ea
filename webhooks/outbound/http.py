"""Posts webhooks over sockets of our own: to the very address that was checked, once, in time.

Why not an HTTP library with a host name: it would resolve the name itself, after our check, and
the second answer of a name server may be another one than the first (DNS rebinding). Here the name
is resolved once, every address it leads to is checked, and the socket goes to one of those. TLS
still verifies the name. Redirects are not followed, proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Sequence

from core import clock
from webhooks.outbound.addresses import IpAddress, Target, check_connectable, read_target
from webhooks.outbound.base import (
    EXCERPT_BYTES,
    OutboundAnswer,
    OutboundMessage,
    RefusedAddressError,
    RetryableError,
)

RETRY_AFTER_MAX = 86_400

Resolver = Callable[[str, int], Sequence[str]]


def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system finds them.

    Raises:
        OSError: there are none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class HttpSender:
    """The sender of production."""

    def __init__(
        self,
        *,
        timeout_seconds: float,
        resolver: Resolver = resolve_host,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Create the sender.

        Args:
            timeout_seconds: for everything together: resolving, connecting, sending, reading.
            resolver: how a host becomes addresses; the tests bring their own.
            tls: whom to trust; by default the system's authorities.
        """
        self._timeout = timeout_seconds
        self._resolver = resolver
        self._tls = tls or ssl.create_default_context()

    def send(self, message: OutboundMessage) -> OutboundAnswer:
        """Post the message; see `WebhookSender`."""
        deadline = clock.monotonic() + self._timeout
        target = read_target(message.url)
        # Before a byte goes out: all of them must be public, not only the first.
        addresses = self._resolve(target, deadline)
        for address in addresses:
            check_connectable(address, host=target.host)
        raw = self._connect(addresses, target.port, deadline)
        wire: socket.socket = raw
        if target.is_tls:
            # The handshake waits until the clock knows the socket it would have to cut.
            wire = self._tls.wrap_socket(
                raw, server_hostname=target.host, do_handshake_on_connect=False
            )
        # A peer that sends one byte a second never runs into a time-out of a single read.
        expired = threading.Event()
        watch = threading.Timer(max(0.0, deadline - clock.monotonic()), _cut, (wire, expired))
        watch.daemon = True
        watch.start()
        try:
            if isinstance(wire, ssl.SSLSocket):
                wire.do_handshake()
            answer = _exchange(wire, target, message)
        except (OSError, http.client.HTTPException) as error:
            raise RetryableError("timed_out" if expired.is_set() else _code_of(error)) from error
        finally:
            watch.cancel()
            wire.close()
        if expired.is_set():
            # A cut in the middle of the headers reads like their end.
            raise RetryableError("timed_out")
        return answer

    def _resolve(self, target: Target, deadline: float) -> list[IpAddress]:
        """Return the target's addresses; the system's resolver knows no deadline, so we do."""
        found: list[str] = []
        failed: list[OSError | UnicodeError] = []

        def ask() -> None:
            try:
                found.extend(self._resolver(target.host, target.port))
            except (OSError, UnicodeError) as error:
                failed.append(error)

        asking = threading.Thread(target=ask, name="webhook-resolve", daemon=True)
        asking.start()
        asking.join(max(0.0, deadline - clock.monotonic()))
        if asking.is_alive():
            raise RetryableError("timed_out")
        if failed or not found:
            raise RetryableError("name_not_found")
        try:
            return [ipaddress.ip_address(text) for text in dict.fromkeys(found)]
        except ValueError:
            # Such as fe80::1%eth0 of a resolver that keeps zones.
            raise RefusedAddressError("address_not_public") from None

    def _connect(self, addresses: Sequence[IpAddress], port: int, deadline: float) -> socket.socket:
        """Return a socket to the first address that takes the connection."""
        refusal: OSError | None = None
        for address in addresses[:4]:
            left = deadline - clock.monotonic()
            if left <= 0:
                break
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            raw = socket.socket(family, socket.SOCK_STREAM)
            try:
                raw.settimeout(left)
                raw.connect((str(address), port))
            except OSError as error:
                raw.close()
                refusal = error
                continue
            return raw
        if refusal is None or isinstance(refusal, TimeoutError):
            raise RetryableError("timed_out")
        raise RetryableError("not_connected") from refusal


def _exchange(wire: socket.socket, target: Target, message: OutboundMessage) -> OutboundAnswer:
    connection = http.client.HTTPConnection(target.host, target.port)
    # Given a socket it opens none of its own.
    connection.sock = wire
    try:
        connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", target.host_header)
        for name, value in message.headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(message.body)))
        connection.putheader("Connection", "close")
        connection.endheaders(message.body)
        answer = connection.getresponse()
        return OutboundAnswer(
            status=answer.status,
            excerpt=_as_text(answer.read(EXCERPT_BYTES)),
            retry_after_seconds=_read_retry_after(answer.getheader("Retry-After")),
        )
    finally:
        connection.close()


def _cut(wire: socket.socket, expired: threading.Event) -> None:
    """End a connection from the side of the clock: whoever reads from it gets an error at once."""
    expired.set()
    try:
        # The descriptor itself, below TLS, which another thread is in the middle of.
        socket.socket.shutdown(wire, socket.SHUT_RDWR)
    except OSError:
        # Over already, which is all that was wanted.
        return


def _code_of(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "certificate_not_trusted"
    if isinstance(error, ssl.SSLError):
        return "tls_failed"
    if isinstance(error, TimeoutError):
        return "timed_out"
    if isinstance(error, http.client.HTTPException):
        return "answer_not_readable"
    return "connection_lost"


def _read_retry_after(value: str | None) -> int | None:
    """Return the seconds of a Retry-After header; a date in it is not read."""
    text = (value or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 9):
        return None
    return min(int(text), RETRY_AFTER_MAX)


def _as_text(found: bytes) -> str:
    text = found.decode("utf-8", "replace")
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)

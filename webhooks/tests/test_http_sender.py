"""The sender against real servers on loopback and a resolver that lies."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from webhooks.outbound.base import OutboundMessage, RefusedAddressError, RetryableError
from webhooks.outbound.http import HttpSender
from webhooks.tests.world import answer_ok, receiving

MESSAGE = {
    "headers": {"Content-Type": "application/json", "webhook-id": "evt_1"},
    "body": b'{"n":1}',
}


def sender(addresses=("127.0.0.1",), timeout=5.0, tls=None):
    return HttpSender(timeout_seconds=timeout, resolver=lambda host, port: addresses, tls=tls)


def message(url):
    return OutboundMessage(url=url, **MESSAGE)


def test_a_message_arrives_as_it_was_given(loopback):
    with receiving() as server:
        answer = sender().send(message(server.url))

    assert (answer.status, answer.excerpt) == (200, "ok")
    ((path, headers, body),) = server.requests
    assert path == "/hook?a=1"
    assert body == b'{"n":1}'
    assert headers["host"] == f"localhost:{server.port}"
    assert headers["webhook-id"] == "evt_1"
    assert headers["content-length"] == "7"


def test_tls_is_verified_against_the_name_not_the_address(loopback, server_tls, client_tls):
    with receiving(tls=server_tls) as server:
        assert sender(tls=client_tls).send(message(server.url)).status == 200
        # Whoever signed for themselves is not trusted, nor is another name's certificate.
        with pytest.raises(RetryableError) as refused:
            sender().send(message(server.url))
        assert refused.value.code == "certificate_not_trusted"
        with pytest.raises(RetryableError) as refused:
            sender(tls=client_tls).send(message(server.url.replace("localhost", "127.0.0.1")))
        assert refused.value.code == "certificate_not_trusted"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("::1",),
        ("::ffff:127.0.0.1",),
        ("64:ff9b::7f00:1",),
        ("0.0.0.0",),
        ("169.254.169.254",),
        ("100.64.0.1",),
        # One public address beside a private one: whoever answers so wants to be tried twice.
        ("8.8.8.8", "127.0.0.1"),
        ("fe80::1%lo",),
        ("not an address",),
    ],
)
def test_a_public_name_that_leads_inside_reaches_nobody(addresses, settings):
    with receiving() as server:
        settings.WEBHOOK_PORTS = (443, server.port)
        url = f"https://hooks.acme.test:{server.port}/"

        with pytest.raises(RefusedAddressError) as refused:
            sender(addresses).send(message(url))

    assert refused.value.code == "address_not_public"
    assert server.requests == []


def test_a_name_that_changes_between_check_and_connection_is_asked_once(settings):
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    connected = []

    class Recorder(socket.socket):
        def connect(self, address):
            connected.append(address)
            raise ConnectionRefusedError

    with receiving() as server:
        settings.WEBHOOK_PORTS = (server.port,)
        original, socket.socket = socket.socket, Recorder
        try:
            with pytest.raises(RetryableError) as refused:
                HttpSender(timeout_seconds=2, resolver=rebinding).send(
                    message(f"https://hooks.acme.test:{server.port}/")
                )
        finally:
            socket.socket = original

    assert refused.value.code == "not_connected"
    assert asked == ["hooks.acme.test"]
    assert connected == [("8.8.8.8", server.port)]
    assert server.requests == []


def test_redirects_are_answers_and_nothing_more(loopback):
    with receiving() as inside:

        def redirect(handler, number):
            handler.send_response(307)
            handler.send_header("Location", inside.url)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with receiving(redirect) as server:
            answer = sender().send(message(server.url))

    assert answer.status == 307
    assert inside.requests == []


def test_no_proxy_of_the_environment_is_used(loopback, monkeypatch):
    with receiving() as proxy, receiving() as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

        assert sender().send(message(server.url)).status == 200

    assert proxy.requests == []
    assert len(server.requests) == 1


def test_only_the_beginning_of_a_huge_answer_is_read(loopback):
    def flood(handler, number):
        handler.send_response(500)
        handler.end_headers()
        for _ in range(400):
            handler.wfile.write(b"<b>\x00\xff" * 10_000)

    with receiving(flood) as server:
        answer = sender().send(message(server.url))

    assert answer.status == 500
    assert len(answer.excerpt) == 2000
    assert "\x00" not in answer.excerpt


def test_a_server_that_drips_is_cut_off_in_time(loopback):
    stop = threading.Event()

    def drip(handler, number):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not stop.is_set():
            handler.wfile.write(b"X-Drip: 1\r\n")
            stop.wait(0.05)

    started = time.monotonic()
    with receiving(drip) as server:
        with pytest.raises(RetryableError) as late:
            sender(timeout=0.5).send(message(server.url))
        stop.set()

    assert late.value.code == "timed_out"
    assert time.monotonic() - started < 3


def test_a_server_that_never_answers_times_out(loopback, server_tls):
    release = threading.Event()
    with receiving(lambda handler, number: release.wait(5) and None) as server:
        with pytest.raises(RetryableError) as late:
            sender(timeout=0.3).send(message(server.url))
        release.set()
    assert late.value.code == "timed_out"

    # Nor does a handshake that never comes hold anybody.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(RetryableError) as late:
            sender(timeout=0.3).send(message(f"https://localhost:{port}/"))
    assert late.value.code == "timed_out"


def test_a_resolver_that_hangs_times_out(loopback):
    release = threading.Event()

    def hang(host, port):
        release.wait(5)
        return ["127.0.0.1"]

    with pytest.raises(RetryableError) as late:
        HttpSender(timeout_seconds=0.2, resolver=hang).send(message("https://hooks.acme.test/"))
    release.set()

    assert late.value.code == "timed_out"


def test_what_is_no_http_is_named(loopback):
    with (
        receiving(lambda handler, number: handler.wfile.write(b"220 mail ready\r\n")) as server,
        pytest.raises(RetryableError) as refused,
    ):
        sender().send(message(server.url))
    assert refused.value.code == "answer_not_readable"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(RetryableError) as refused:
        sender().send(message(f"http://localhost:{port}/"))
    assert refused.value.code == "not_connected"

    with pytest.raises(RetryableError) as refused:
        sender(()).send(message("https://hooks.acme.test/"))
    assert refused.value.code == "name_not_found"


def test_retry_after_is_read(loopback):
    def busy(handler, number):
        handler.send_response(429)
        handler.send_header(
            "Retry-After", "120" if number == 1 else "Tue, 01 Dec 2026 00:00:00 GMT"
        )
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with receiving(busy) as server:
        assert sender().send(message(server.url)).retry_after_seconds == 120
        assert sender().send(message(server.url)).retry_after_seconds is None


def test_no_descriptor_is_left_open(loopback):
    with receiving(answer_ok) as server:
        sender().send(message(server.url))
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(10):
            sender().send(message(server.url))
        time.sleep(0.05)
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
    assert json.loads(server.requests[-1][2]) == {"n": 1}

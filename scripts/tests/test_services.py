from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

from scripts.services import install
from scripts.services.__main__ import run_with_services, start_services, stop_services
from scripts.services.base import LOOPBACK, Service, ServiceError, is_port_free
from scripts.services.postgres import PostgresService
from scripts.services.redis import RedisService
from tests.architecture.sources import ROOT


class FakeService(Service):
    """A service whose server is a flag."""

    name = "fake"
    port_variable = "FAKE_PORT"
    default_port = 21060
    programs = ("sh",)
    debian_packages = ("dash",)
    debian_user = "root"

    def __init__(self, home, environ=None, *, fails=False):
        super().__init__(home, environ or {})
        self.fails = fails
        self.up = False
        self.launches = []

    def is_running(self):
        return self.up

    def variables(self):
        return {"FAKE_URL": f"fake://{LOOPBACK}:{self.require_state().port}"}

    def _launch(self, state):
        self.launches.append(state)
        if self.fails:
            raise ServiceError("fake did not start")
        self.up = True

    def _shut_down(self):
        self.up = False


@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_second_start_finds_the_first_ones_port_folder_and_password(tmp_path):
    first, second = FakeService(tmp_path), FakeService(tmp_path)

    assert first.start() is True
    assert second.start() is True

    assert first.launches == second.launches
    assert first.launches[0].folder == str(tmp_path / "fake")
    assert len(first.launches[0].password) == 32


def test_a_running_service_is_not_started_again(tmp_path):
    service = FakeService(tmp_path)
    service.start()

    assert service.start() is False
    assert len(service.launches) == 1


def test_the_password_is_readable_by_its_owner_only(tmp_path):
    FakeService(tmp_path).start()

    assert stat.S_IMODE((tmp_path / "fake.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "fake").stat().st_mode) == 0o700


def test_a_port_that_was_asked_for_and_is_taken_stops_the_start(tmp_path, taken_port):
    service = FakeService(tmp_path, {"FAKE_PORT": str(taken_port)})

    with pytest.raises(ServiceError, match=f"port {taken_port} of 127.0.0.1 is taken.*FAKE_PORT"):
        service.start()

    assert service.launches == []
    assert service.state is None


@pytest.mark.parametrize("wrong", ["0", "65536", "-1", "port"])
def test_a_port_that_is_none_stops_the_start(tmp_path, wrong):
    service = FakeService(tmp_path, {"FAKE_PORT": wrong})

    with pytest.raises(ServiceError, match="FAKE_PORT must be a port from 1 to 65535"):
        service.start()

    assert service.launches == []


def test_a_taken_default_port_makes_way_for_the_next_one(tmp_path, taken_port, monkeypatch):
    monkeypatch.setattr(FakeService, "default_port", taken_port)
    service = FakeService(tmp_path)

    service.start()

    port = service.launches[0].port
    assert taken_port < port < taken_port + 50
    assert is_port_free(port)
    assert not is_port_free(taken_port)


def test_when_one_service_fails_those_started_before_it_are_stopped(tmp_path):
    good, bad = FakeService(tmp_path / "good"), FakeService(tmp_path / "bad", fails=True)

    with pytest.raises(ServiceError, match="fake did not start"):
        start_services([good, bad])

    assert good.launches != []
    assert good.up is False


def test_a_service_that_cannot_stop_does_not_keep_the_others_up(tmp_path, monkeypatch):
    first, second = FakeService(tmp_path / "a"), FakeService(tmp_path / "b")
    start_services([first, second])

    def refuse():
        raise ServiceError("second did not stop")

    monkeypatch.setattr(second, "_shut_down", refuse)

    with pytest.raises(ServiceError, match="second did not stop"):
        stop_services([first, second])

    assert first.up is False


@pytest.fixture
def kept_signals():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("kept_signals")
def test_a_command_sees_the_addresses_and_its_status_is_passed_on(tmp_path):
    service = FakeService(tmp_path)
    answer = tmp_path / "answer"

    status = run_with_services([service], ["sh", "-c", f'echo "$FAKE_URL" > {answer}; exit 7'])

    assert status == 7
    assert answer.read_text() == f"fake://127.0.0.1:{service.launches[0].port}\n"
    assert service.up is False


@pytest.mark.usefixtures("kept_signals")
def test_a_service_that_ran_before_the_command_runs_after_it(tmp_path):
    service = FakeService(tmp_path)
    service.start()

    status = run_with_services([service], ["true"])

    assert status == 0
    assert service.up is True


def test_without_root_a_missing_program_is_named_with_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(FakeService, "programs", ("sh", "no-such-server"))
    monkeypatch.setattr(FakeService, "debian_packages", ("no-such-package",))

    with pytest.raises(ServiceError) as refused:
        start_services([FakeService(tmp_path)])

    assert "fake (no-such-server)" in str(refused.value)
    assert "apt-get install no-such-package" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_addresses_of_a_service_that_never_ran_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(ServiceError, match="postgres was never started: run `make services`"):
        PostgresService(tmp_path, {}).variables()


@pytest.mark.services
def test_two_redis_servers_do_not_answer_to_each_others_password(tmp_path):
    first, second = RedisService(tmp_path / "a", {}), RedisService(tmp_path / "b", {})
    try:
        first.start()
        second.start()
        assert first.state.port != second.state.port
        assert (first.is_running(), second.is_running()) == (True, True)

        assert first.stop() is True
        assert (first.is_running(), second.is_running()) == (False, True)
        assert first.stop() is False
    finally:
        second.stop()
        first.stop()


@pytest.mark.services
def test_the_command_line_ends_both_servers_when_it_is_ended_itself(tmp_path):
    environment = {**os.environ, "DATA_DIR": str(tmp_path / "with space")}
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "scripts.services"]
    wait = f'touch {ready}; test -n "$DATABASE_URL$REDIS_URL" && exec sleep 60'
    runner = subprocess.Popen([*command, "run", "--", "sh", "-c", wait], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 40
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    runner.send_signal(signal.SIGTERM)

    assert runner.wait(timeout=40) == 128 + signal.SIGTERM
    status = subprocess.run(
        [*command, "status"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert status.returncode == 3
    states = dict(line.split()[:2] for line in status.stdout.splitlines())
    assert states == dict.fromkeys(("postgres", "redis", "livekit", "swift"), "stopped")

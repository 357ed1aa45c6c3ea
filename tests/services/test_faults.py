"""Everything at once on services of its own, which are killed and restarted under the load.

Two web servers, three job workers, a voice worker, PostgreSQL, Redis, Swift and LiveKit; people
answer surveys by socket, write on WhatsApp and read pages all the while. Afterwards the rows are
held against what people were promised. One test for each fault would start all of this six times,
so the faults come one after the other in one run.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis

from scripts.services.base import Service, ServiceError
from scripts.services.livekit import LiveKitService
from scripts.services.postgres import PostgresService
from scripts.services.redis import RedisService
from scripts.services.swift import SwiftService
from tests.services.drive import (
    Act,
    Ledger,
    Person,
    crowd,
    deliver,
    read_pages,
    review,
    take_survey,
    write_on_whatsapp,
)
from tests.services.promises import find_problems, wait_until_settled
from tests.services.stack import ROOT, Stack, free_port

pytestmark = [
    pytest.mark.services,
    pytest.mark.timeout(300),
    # A server outlives the object that started it, which is what Popen warns of.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]

ACTS: dict[Act, tuple[int, float]] = {
    take_survey: (3, 0.5),
    write_on_whatsapp: (2, 0.5),
    read_pages: (1, 1.0),
    review: (1, 0.5),
}
PATIENCE_SECONDS = 45.0
BETWEEN_SECONDS = 3.0


class Services:
    """Servers of this test alone, on free ports, with the programs of the usual ones."""

    def __init__(self, home: Path) -> None:
        usual = Path(os.environ.get("TEST_SERVICES_HOME", "") or ROOT / "var" / "services")
        for program in ("bin", *(path.name for path in usual.glob("swift-*"))):
            if (usual / program).is_dir():
                (home / program).symlink_to(usual / program)
        self._exits = ExitStack()
        self.postgres = self._start(PostgresService, home)
        self.redis = self._start(RedisService, home)
        self.swift = self._start(SwiftService, home) if list(home.glob("swift-*")) else None
        self.livekit = self._start(LiveKitService, home) if (home / "bin").exists() else None

    def _start(self, kind: type[Service], home: Path) -> Any:
        service = kind(home, {kind.port_variable: str(free_port())})
        try:
            service.start()
        except ServiceError:
            if not kind.is_optional:
                raise
            return None
        self._exits.callback(service.stop)
        return service

    def variables(self) -> dict[str, str]:
        """Return what points a stack at them."""
        found: dict[str, str] = {}
        if self.swift is not None:
            swift = self.swift.variables()
            found |= {
                "AWS_STORAGE_BUCKET_NAME": swift["TEST_S3_BUCKET"],
                "AWS_S3_ENDPOINT_URL": swift["TEST_S3_ENDPOINT_URL"],
                "AWS_S3_REGION_NAME": swift["TEST_S3_REGION"],
                "AWS_ACCESS_KEY_ID": swift["TEST_S3_ACCESS_KEY"],
                "AWS_SECRET_ACCESS_KEY": swift["TEST_S3_SECRET_KEY"],
                "AWS_S3_ADDRESSING_STYLE": "path",
            }
        if self.livekit is not None:
            livekit = self.livekit.variables()
            found |= {
                "LIVEKIT_URL": livekit["TEST_LIVEKIT_URL"],
                "LIVEKIT_API_KEY": livekit["TEST_LIVEKIT_API_KEY"],
                "LIVEKIT_API_SECRET": livekit["TEST_LIVEKIT_API_SECRET"],
            }
        return found

    def stop(self) -> None:
        """End those that run."""
        self._exits.close()


@pytest.fixture
def services() -> Iterator[Services]:
    # Not pytest's own folder: PostgreSQL's account must be able to enter it.
    home = Path(tempfile.mkdtemp(prefix="parley-faults-"))
    home.chmod(0o755)
    started = Services(home)
    yield started
    started.stop()
    shutil.rmtree(home, ignore_errors=True)


def doctor(stack: Stack, *names: str) -> dict[str, str]:
    """Return what the doctor says of some services."""
    try:
        text = stack.manage("doctor", "--json", "--timeout", "30", "--only", *names)
    except RuntimeError as failed:
        text = str(failed).partition("failed:\n")[2]
    answer = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
    return {one["name"]: one["status"] for one in answer["probes"]}


def kill_redis(url: str) -> None:
    """End Redis as a power cut would."""
    with redis.Redis.from_url(url) as client:
        pid = client.info("server")["process_id"]
    os.kill(pid, signal.SIGKILL)


def progress(seen: Ledger) -> tuple[int, int]:
    return len(seen.completed), len(seen.wamids)


def wait_for_progress(seen: Ledger, since: tuple[int, int], seconds: float = 40.0) -> None:
    """Wait until surveys and messages go on after a fault."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        done, written = progress(seen)
        if done > since[0] and written > since[1]:
            return
        time.sleep(0.2)
    raise AssertionError(f"nothing went on: {since} then {progress(seen)}; {dict(seen.errors)}")


def test_faults_of_every_service_lose_and_double_nothing(services: Services) -> None:
    database_url = services.postgres.variables()["DATABASE_URL"]
    redis_url = services.redis.variables()["REDIS_URL"]
    with Stack(
        database_url=database_url, redis_url=redis_url, variables=services.variables()
    ) as stack:
        world = stack.prepare(people=20)
        urls = [stack.start_web("web1"), stack.start_web("web2")]
        for name in ("worker1", "worker2", "worker3"):
            stack.start_worker(name)
        if services.livekit is not None:
            stack.start_voice_worker("voice")
        picture = stack.ask_rows("attach") if services.swift is not None else None
        seen, over = Ledger(), threading.Event()
        threads = crowd(
            urls,
            world,
            acts=ACTS,
            seen=seen,
            until=over.is_set,
            patience_seconds=PATIENCE_SECONDS,
        )
        try:
            wait_for_progress(seen, (0, 0))

            # A worker dies in the middle of whatever it does; the others take its work over.
            before = progress(seen)
            stack.kill("worker1")
            wait_for_progress(seen, before)
            stack.start_worker("worker1")

            # Redis is gone with all it knew, and comes back empty.
            before = progress(seen)
            kill_redis(redis_url)
            time.sleep(BETWEEN_SECONDS)
            services.redis.start()
            wait_for_progress(seen, before)

            # PostgreSQL restarts: every connection of every process breaks.
            before = progress(seen)
            services.postgres.stop()
            time.sleep(BETWEEN_SECONDS)
            services.postgres.start()
            wait_for_progress(seen, before)

            # A web server dies; people go to the other one, sockets catch up there.
            before = progress(seen)
            stack.kill("web2")
            wait_for_progress(seen, before)
            stack.start_web("web2")

            if services.swift is not None:
                before = progress(seen)
                services.swift.stop()
                assert doctor(stack, "storage") == {"storage": "FAIL"}
                wait_for_progress(seen, before)
                services.swift.resume()
                assert doctor(stack, "storage") == {"storage": "OK"}
                # What was stored before is there, and is copied as a picture that somebody sends.
                image = {"id": picture["media_id"], "mime_type": "image/png"}
                sender = Person(urls, seen, patience_seconds=PATIENCE_SECONDS)
                deliver(sender, world, random.Random(1), {"type": "image", "image": image})
                sender.close()

            if services.livekit is not None:
                before = progress(seen)
                services.livekit.stop()
                assert doctor(stack, "livekit") == {"livekit": "FAIL"}
                wait_for_progress(seen, before)
                services.livekit.start()
                assert doctor(stack, "livekit") == {"livekit": "OK"}
                assert stack.processes["voice"].poll() is None, stack.log("voice")[-2000:]
        finally:
            over.set()
            for thread in threads:
                thread.join(PATIENCE_SECONDS + 30)
        assert not [thread for thread in threads if thread.is_alive()]
        left = wait_until_settled(stack)
        found = stack.ask_rows("count")

        # A worker was killed and PostgreSQL restarted: sends of these moments may be cut off.
        assert find_problems(seen, found, left, cut_off=4) == []
        assert len(seen.completed) >= 10
        if services.swift is not None:
            ends_at = time.monotonic() + 30
            while (there := stack.ask_rows("media"))["states"] != ["stored"]:
                assert time.monotonic() < ends_at, there
                time.sleep(1)
            assert there["whole"] == 1
    missing = [name for name in ("swift", "livekit") if getattr(services, name) is None]
    if missing:
        pytest.skip(f"all else passed; not on this machine: {', '.join(missing)}")

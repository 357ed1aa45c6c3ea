"""OpenStack Swift with its S3 door, for development and tests: a real store that checks signatures.

Owns its settings, rings and four processes, and the environment of its own it is installed into,
because its requirements are none of the product's. It is optional: without PyPI everything but
the tests of S3 runs.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
import venv
from pathlib import Path
from typing import Any, ClassVar

from scripts.services.base import LOOPBACK, Service, ServiceError, ServiceState, is_port_free

VERSION = "2.38.3"
ACCESS_KEY = "test:tester"
BUCKET = "parley"
REGION = "us-east-1"
INSTALL_SECONDS = 600
READY_SECONDS = 40.0
STOP_SECONDS = 10.0
ANSWER_SECONDS = 2
PAUSE_SECONDS = 0.2
PORTS_TRIED = 60
DEVICE = "disk"

COMMON = """\
[DEFAULT]
bind_ip = {host}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
log_level = WARNING
"""
STORAGE = """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """
[pipeline:main]
pipeline = catch_errors gatekeeper proxy-logging cache listing_formats s3api tempauth copy slo \
dlo proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {password} .admin
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:cache]
use = egg:swift#memcache
memcache_servers = {host}:1
"""
PLAIN_FILTERS = {
    "catch_errors": "catch_errors",
    "gatekeeper": "gatekeeper",
    "proxy-logging": "proxy_logging",
    "listing_formats": "listing_formats",
    "copy": "copy",
    "slo": "slo",
    "dlo": "dlo",
}
CLUSTER = """\
[swift-hash]
swift_hash_path_suffix = {suffix}
swift_hash_path_prefix = {prefix}
[storage-policy:0]
name = one
default = yes
"""


class SwiftService(Service):
    """One Swift cluster of one disk: proxy, account, container and object server."""

    name: ClassVar[str] = "swift"
    is_optional: ClassVar[bool] = True
    port_variable: ClassVar[str] = "SERVICES_SWIFT_PORT"
    default_port: ClassVar[int] = 63810
    programs: ClassVar[tuple[str, ...]] = ()
    debian_packages: ClassVar[tuple[str, ...]] = ()
    debian_user: ClassVar[str] = ""

    def is_running(self) -> bool:
        """Ask for the buckets with our key, which no other store accepts."""
        state = self.state
        return state is not None and not is_port_free(state.port) and self._ask(state)

    def variables(self) -> dict[str, str]:
        """Return where tests find the store.

        Under names of their own: the rest of the suite keeps its files in a local folder.
        """
        state = self.require_state()
        return {
            "TEST_S3_BUCKET": BUCKET,
            "TEST_S3_ENDPOINT_URL": f"http://{LOOPBACK}:{state.port}",
            "TEST_S3_REGION": REGION,
            "TEST_S3_ACCESS_KEY": ACCESS_KEY,
            "TEST_S3_SECRET_KEY": state.password,
        }

    def _server_user(self) -> str | None:
        # Swift drops to the user its settings name; files of tests are nobody's secret.
        return None

    def _launch(self, state: ServiceState) -> None:
        programs = self._install()
        folder = Path(state.folder)
        # A store of tests starts empty, whatever its last life left.
        for name in ("devices", "rings"):
            shutil.rmtree(folder / name, ignore_errors=True)
        ports = _free_ports_after(state.port, 3)
        self._write_settings(state, folder, ports)
        self._build_rings(programs, folder, ports)
        self._run_servers(state, programs, folder)

    def resume(self) -> None:
        """Start again after `stop` with what was stored, as after a power cut.

        Raises:
            ServiceError: it does not come up.
        """
        state = self.require_state()
        self._run_servers(state, self._install(), Path(state.folder))

    def _run_servers(self, state: ServiceState, programs: Path, folder: Path) -> None:
        kinds = ("account", "container", "object", "proxy")
        pids = [self._start(programs, folder, kind) for kind in kinds]
        (folder / "swift.pids").write_text(json.dumps(pids), encoding="ascii")
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._ask(state) and self._make_bucket(state):
                return
            time.sleep(PAUSE_SECONDS)
        self._end(folder)
        raise ServiceError(f"swift did not start:\n{_tail(folder)}")

    def _shut_down(self) -> None:
        state = self.require_state()
        self._end(Path(state.folder))
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if is_port_free(state.port):
                return
            time.sleep(PAUSE_SECONDS)
        raise ServiceError(f"swift on port {state.port} did not stop.")

    def _install(self) -> Path:
        """Return the folder of Swift's programs, installing them once."""
        home = self._home / f"swift-{VERSION}"
        programs = home / "bin"
        done = home / "installed"
        if done.is_file():
            return programs
        shutil.rmtree(home, ignore_errors=True)
        try:
            venv.create(home, with_pip=True)
            installed = subprocess.run(
                [str(programs / "pip"), "install", "--quiet", f"swift=={VERSION}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ServiceError(f"swift: it cannot be installed: {error}") from error
        if installed.returncode != 0:
            raise ServiceError(f"swift: `pip install` failed:\n{installed.stdout[-2000:]}")
        done.touch()
        return programs

    def _write_settings(self, state: ServiceState, folder: Path, ports: list[int]) -> None:
        fields: dict[str, Any] = {
            "host": LOOPBACK,
            "user": getpass.getuser(),
            "folder": folder,
            "password": state.password,
            "region": REGION,
        }
        (folder / "devices" / DEVICE).mkdir(parents=True)
        _write_private(
            folder / "swift.conf",
            CLUSTER.format(suffix=secrets.token_hex(8), prefix=secrets.token_hex(8)),
        )
        for kind, port in zip(("account", "container", "object"), ports, strict=True):
            text = COMMON.format(port=port, **fields) + STORAGE.format(kind=kind)
            _write_private(folder / f"{kind}-server.conf", text)
        filters = "".join(
            f"[filter:{name}]\nuse = egg:swift#{egg}\n" for name, egg in PLAIN_FILTERS.items()
        )
        text = COMMON.format(port=state.port, **fields) + PROXY.format(**fields) + filters
        _write_private(folder / "proxy-server.conf", text)

    def _build_rings(self, programs: Path, folder: Path, ports: list[int]) -> None:
        builder = str(programs / "swift-ring-builder")
        for kind, port in zip(("account", "container", "object"), ports, strict=True):
            file = f"{kind}.builder"
            (folder / file).unlink(missing_ok=True)
            (folder / f"{kind}.ring.gz").unlink(missing_ok=True)
            for step in (
                ("create", "2", "1", "0"),
                ("add", f"r1z1-{LOOPBACK}:{port}/{DEVICE}", "1"),
                ("rebalance",),
            ):
                made = self.run([builder, file, *step], cwd=folder)
                # 1 is a warning, such as that one disk is not many.
                if made.returncode not in (0, 1):
                    raise ServiceError(f"swift: the ring of {kind}s failed:\n{made.stdout[-800:]}")

    def _start(self, programs: Path, folder: Path, kind: str) -> int:
        with (folder / f"{kind}.log").open("wb") as output:
            server = subprocess.Popen(
                [str(programs / f"swift-{kind}-server"), str(folder / f"{kind}-server.conf"), "-v"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return server.pid

    def _end(self, folder: Path) -> None:
        file = folder / "swift.pids"
        if not file.is_file():
            return
        for pid in json.loads(file.read_text(encoding="ascii")):
            # Only what still is one of our servers: the number may be another's by now.
            if str(folder) in _command_of(pid):
                os.killpg(pid, signal.SIGTERM)
        time.sleep(PAUSE_SECONDS)
        for pid in json.loads(file.read_text(encoding="ascii")):
            if str(folder) in _command_of(pid):
                os.killpg(pid, signal.SIGKILL)
            _reap(pid)
        file.unlink()

    def _client(self, state: ServiceState) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=f"http://{LOOPBACK}:{state.port}",
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=state.password,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=ANSWER_SECONDS,
                read_timeout=ANSWER_SECONDS * 5,
                retries={"max_attempts": 1},
            ),
        )

    def _ask(self, state: ServiceState) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client(state).list_buckets()
        except (BotoCoreError, ClientError):
            # Nothing listens, or something that does not take our key: either way it is not ours.
            return False
        return True

    def _make_bucket(self, state: ServiceState) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client(state).create_bucket(Bucket=BUCKET)
        except (BotoCoreError, ClientError) as error:
            # The servers behind the proxy may still be on their way up.
            return "BucketAlreadyOwnedByYou" in str(error)
        return True


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(text)


def _free_ports_after(port: int, count: int) -> list[int]:
    found = [one for one in range(port + 1, port + 1 + PORTS_TRIED) if is_port_free(one)][:count]
    if len(found) < count:
        raise ServiceError(f"swift: no {count} free ports after {port}.")
    return found


def _command_of(pid: int) -> str:
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""
    shown = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return shown.stdout


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        # Started by an earlier command: whoever adopted it takes its status.
        return


def _tail(folder: Path) -> str:
    logs = sorted(folder.glob("*.log"))
    return "\n".join(
        f"{log.name}: {log.read_text(encoding='utf-8', errors='replace')[-800:]}" for log in logs
    )

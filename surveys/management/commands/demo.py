"""One command from nothing to a running product with something to look at, on this machine only."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from accounts.services.api_keys import create_api_key
from surveys.demo.content import DEMO_PASSWORD, DEMO_SLUG, LOGINS
from surveys.demo.seed import prepare_demo

KEY_NAME = "demo"
GRACE_SECONDS = 5
DEFAULT_PORT = 8000


class Command(BaseCommand):
    help = "Prepare the demo company and serve Parley on this machine, with play money."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bind", default="127.0.0.1", help="Loopback address to listen on: 127.0.0.1 or ::1."
        )
        parser.add_argument(
            "--prepare-only", action="store_true", help="Prepare the data and do not serve."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bind = _loopback(options["bind"])
        if not settings.DEMO:
            raise CommandError(
                "The demo does not run with SECRET_KEY or DEBUG set: it has known logins and "
                "belongs on no public address. Unset them, or start a server as the README says."
            )
        if not options["prepare_only"]:
            _refuse_taken_port(bind, settings.PORT)
        self.stdout.write("Preparing Parley: the first start takes about half a minute.")
        self.stdout.flush()
        call_command("migrate", interactive=False, verbosity=0)
        company = prepare_demo(self._report)
        entrances = [
            entrance
            for seeder in settings.DEMO_SEEDERS
            for entrance in import_string(seeder)(company, self._report)
        ]
        key = create_api_key(company=company, name=KEY_NAME).plain
        self._welcome(key, entrances)
        if options["prepare_only"]:
            return
        self._serve(bind)

    def _report(self, line: str) -> None:
        self.stdout.write(f"  {line}")

    def _welcome(self, key: str, entrances: list[tuple[str, str]]) -> None:
        url = settings.SITE_URL
        pages = [
            ("Home", "/"),
            ("Company console", "/console/"),
            ("Chat", "/chat"),
            *entrances,
            ("API", "/api/docs/"),
            ("Administration", "/admin/"),
        ]
        width = max(len(name) for name, _ in pages)
        lines = [
            "",
            "Parley is ready (play money, this machine only).",
            "",
            *(f"  {name:<{width}}  {url}{path}" for name, path in pages),
            f"  {'Data':<{width}}  {settings.DATA_DIR}",
            f"  {'Log':<{width}}  {settings.LOG_FILE}",
            "",
            f"  Logins, all with the password {DEMO_PASSWORD}:",
            *(f"    {login.email:<24} {login.what_for}" for login in LOGINS),
            "",
            "  A company key, shown this once:",
            f"    {key}",
            f"  More of them: python manage.py create_api_key --company {DEMO_SLUG}",
            "",
            "  Play the widget's flow in another terminal:",
            f"    {_moved()}python manage.py widget_flow --sessions 3",
            "",
            "  End with Ctrl+C.",
            "",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def _serve(self, bind: str) -> None:
        # Imported here: the server brings its event loop, which no other command needs.
        import uvicorn
        from channels.routing import get_default_application

        # Loading the application takes the server lock and starts the background jobs. The rest
        # is what scripts/serve_web.sh gives a production server.
        configured = uvicorn.Config(
            get_default_application(),
            host=bind,
            port=settings.PORT,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=65,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ws_max_size=131072,
            ws_per_message_deflate=False,
        )
        # Ctrl+C ends the server in good order, which then raises it once more.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(configured).run()


def _moved() -> str:
    """Return what another terminal needs before a command to find a demo that was moved."""
    port = f"PORT={settings.PORT} " if settings.PORT != DEFAULT_PORT else ""
    folder = Path(settings.DATA_DIR)
    return port + (f"DATA_DIR={folder} " if folder != Path(settings.BASE_DIR) / "var" else "")


def _loopback(bind: str) -> str:
    """Return the address if it is this machine's own.

    Raises:
        CommandError: others could reach it.
    """
    named = "127.0.0.1" if bind == "localhost" else bind.strip("[]")
    try:
        is_loopback = ipaddress.ip_address(named).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise CommandError(
            f"The demo listens on this machine only, not on {bind}: its logins are known to "
            "everybody. Use --bind 127.0.0.1, or set up a server as the README says."
        )
    return named


def _refuse_taken_port(bind: str, port: int) -> None:
    """Say so before anything is made when the port is in use.

    Raises:
        CommandError: something listens there.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex((bind, port)) == 0:
            raise CommandError(
                f"Something listens on port {port} already. End it, or choose another: "
                f"PORT={port + 1} python manage.py demo"
            )

"""One process of an installation under test: the web server, a worker, or what looks at the rows.

    python -m tests.crash.whatsapp_program prepare|serve|work|report

The turns take TURN_SECONDS and leases LEASE_SECONDS: both are wrapped around the product's own
code here, in the process that a test kills or stops.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from typing import Any

NUMBER_ID = "200000000000001"


def slow_down() -> None:
    """Let each turn take a while, as one that asks a model does; shorten leases."""
    from messaging.services import sending
    from messaging.state import controller, inbox

    answer = controller.TurnController._answer
    pause = float(os.environ.get("TURN_SECONDS", "0"))

    def slow(*args: Any, **kwargs: Any) -> Any:
        time.sleep(pause)
        return answer(*args, **kwargs)

    controller.TurnController._answer = slow  # type: ignore[method-assign]  # for this process
    lease_seconds = float(os.environ.get("LEASE_SECONDS", "30"))
    inbox.LEASE_SECONDS = lease_seconds
    inbox.RENEW_SECONDS = lease_seconds / 3
    sending.LEASE_SECONDS = lease_seconds
    sending.AMBIGUOUS_WAIT_SECONDS = 5.0


def prepare() -> None:
    """Make the tables and a number with the demo's shop behind it."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    from accounts.tests.factories import make_company, make_user
    from messaging.tests.shop_world import make_shop

    make_shop(make_company("Acme", owner=make_user("ana@acme.test")), NUMBER_ID)


def serve() -> None:
    """Run the web server until it is ended."""
    import django

    django.setup()
    slow_down()
    import uvicorn

    # As scripts/serve_web.sh serves, but from here: another process would not be slowed down.
    uvicorn.run(
        "config.asgi:application",
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=65,
        ws_max_size=131072,
        ws_per_message_deflate=False,
    )


def work() -> None:
    """Run a worker until it is ended."""
    import django

    django.setup()
    slow_down()
    from django.core.management import call_command

    call_command("run_worker", lanes="default")


def report() -> None:
    """Wait until nothing moves any more, then say what there is; 1 when the time is over."""
    import django

    django.setup()
    from messaging.models import InboundMessage, OutboundMessage

    wanted = int(os.environ["MESSAGES"])
    ends_at = time.monotonic() + float(os.environ["WAIT_SECONDS"])
    while time.monotonic() < ends_at:
        handled = InboundMessage.objects.exclude(state="waiting").count()
        moving = OutboundMessage.objects.filter(state__in=("queued", "sending")).exists()
        if handled >= wanted and not moving:
            break
        time.sleep(0.2)
    print(json.dumps(describe()))


def describe() -> dict[str, Any]:
    """Return messages, turns and replies of each conversation, by the person's phone."""
    from messaging.models import Conversation, InboundMessage, OutboundMessage, TurnRecord

    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in Conversation.objects.select_related("contact"):
        turns = TurnRecord.objects.filter(conversation=one, is_success=True).order_by("pk")
        found[str(one.contact.phone)] = {
            "messages": list(
                InboundMessage.objects.filter(conversation=one)
                .order_by("sent_at", "pk")
                .values_list("wamid", flat=True)
            ),
            "waiting": InboundMessage.objects.filter(conversation=one, state="waiting").count(),
            "turns": list(turns.values_list("turn_id", flat=True)),
            "reply_count": sum(turn.reply_count for turn in turns),
            "version": one.version,
            "fence": one.fence,
            "said": [
                turn["text"]
                for turn in (one.state or {"dialogue": {"turns": []}})["dialogue"]["turns"]
                if turn["role"] == "user"
            ],
            "replies": list(
                OutboundMessage.objects.filter(conversation=one)
                .order_by("pk")
                .values_list("public_id", "state")
            ),
        }
    return dict(found)


if __name__ == "__main__":
    {"prepare": prepare, "serve": serve, "work": work, "report": report}[sys.argv[1]]()

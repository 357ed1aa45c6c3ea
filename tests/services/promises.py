"""Holding a stack's database against what people were promised."""

from __future__ import annotations

import time
from typing import Any

from tests.services.drive import Ledger
from tests.services.stack import Stack

SETTLE_SECONDS = 60.0


def find_problems(
    seen: Ledger, found: dict[str, Any], left: dict[str, Any], *, cut_off: int = 0
) -> list[str]:
    """Hold the database against what people saw.

    Args:
        cut_off: how many replies may have been under way when their worker or its database went.
            Nobody knows whether such a one arrived; it says so and is not sent a second time.
    """
    problems = [f"error: {what} ({count} times)" for what, count in seen.errors.items()]
    problems += [f"ledger: {line}" for line in found["ledger"]]
    problems += [f"doubled: {count} {what}" for what, count in found["doubled"].items() if count]
    problems += [f"socket: {line}" for line in seen.socket_faults[:10]]
    problems += [f"still waiting: {count} {what}" for what, count in left.items() if count]
    if (unknown := found["outbound"].get("unknown", 0)) > cut_off:
        problems.append(f"replies nobody knows of: {unknown}, at most {cut_off} were cut off")
    paid_at_once = sum(one["payment_status"] == "success" for one in seen.completed.values())
    expected = {
        "completed responses": (found["responses"].get("completed", 0), len(seen.completed)),
        "payouts": (
            sum(found["payouts"].values()),
            sum(1 for one in seen.completed.values() if one.get("transaction_id")),
        ),
        "turns of people": (found["user_segments"], sum(seen.said.values())),
        "WhatsApp messages": (sum(found["inbound"].values()), len(seen.wamids)),
        "payouts paid": (found["payouts"].get("paid", 0), len(seen.approved) + paid_at_once),
        "replies on phones": (found["sent_to_phones"], found["outbound_sent"]),
        "replies that failed": (found["outbound"].get("failed", 0), 0),
        "failed WhatsApp messages": (found["inbound"].get("failed", 0), 0),
        "failed WhatsApp turns": (found["failed_turns"], 0),
    }
    return problems + [
        f"{what}: {there} rows, {promised} promised"
        for what, (there, promised) in expected.items()
        if there != promised
    ]


def wait_until_settled(stack: Stack) -> dict[str, Any]:
    """Give the workers time to empty the queues; return what is left."""
    ends_at = time.monotonic() + SETTLE_SECONDS
    while True:
        left = stack.ask_rows("settled")
        if not any(left.values()) or time.monotonic() > ends_at:
            return left
        time.sleep(1)

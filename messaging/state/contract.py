"""Contract: the shape of a dialogue's state and its defaults. Knows no row.

The state is plain JSON that people may read with ``redis-cli``. `SCHEMA` rises with every change
of shape, together with a step in `messaging.state.upcaster`.
"""

from __future__ import annotations

from typing import Any, Final

SCHEMA: Final = 3
LANES: Final = ("info", "commerce", "support", "survey", "fallback")
FALLBACK: Final = "fallback"
"""Answers what no lane is for; the dialogue stays where it was."""
ROLES: Final = ("user", "agent", "operator")
LIFETIME_SECONDS: Final = 24 * 3600
"""Of silence by the person; then the dialogue starts fresh."""
TURNS_MAX: Final = 400
"""Of one dialogue; older ones leave the state and stay as message rows."""
TEXT_MAX: Final = 4096

State = dict[str, Any]


def default_state(*, tenant: str, phone_number_id: str, wa_id: str) -> State:
    """Return the state of a dialogue that begins.

    Args:
        tenant: public id of the company.
        phone_number_id: of the number that was written to.
        wa_id: of the person: phone, else user id.
    """
    return {
        "schema": SCHEMA,
        "version": 0,
        "meta": {
            "tenant": tenant,
            "phone_number_id": phone_number_id,
            "wa_id": wa_id,
            "started_at": None,
            "last_inbound_at": None,
        },
        "identity": {"name": None, "language": None},
        "lane": None,
        "intent": None,
        "slots": {lane: {} for lane in LANES},
        "dialogue": {"turns": []},
        "last_turn_id": None,
    }

"""The lanes, their closed lists of intents, and the order in which ties are settled.

Published as a JSON Schema (`decision_schema`), which also bounds what a model may answer.
"""

from __future__ import annotations

from typing import Any

FALLBACK = "fallback"

INTENTS: dict[str, tuple[str, ...]] = {
    "info": (
        "greeting",
        "thanks",
        "about_bot",
        "hours",
        "place",
        "policies",
        "faq",
        "hand_off",
        "opt_out",
    ),
    "commerce": (
        "browse",
        "search",
        "add_to_cart",
        "remove_from_cart",
        "view_cart",
        "checkout",
        "delivery_choice",
        "pay",
        "track_order",
        "list_orders",
        "change_order",
        "cancel_order",
    ),
    "support": (
        "complaint",
        "damaged",
        "wrong_item",
        "late",
        "return",
        "refund",
        "payment_problem",
        "technical",
        "ticket_status",
        "escalate",
        "report_problem",
    ),
    "survey": ("join", "reward"),
    FALLBACK: ("off_topic", "unclear"),
}
#: Of two lanes with the same confidence the earlier one answers.
LANE_ORDER = tuple(INTENTS)


def intent_names() -> tuple[str, ...]:
    """Return every intent as ``lane.intent``, in the order ties are settled."""
    return tuple(f"{lane}.{intent}" for lane, intents in INTENTS.items() for intent in intents)


def decision_schema() -> dict[str, Any]:
    """Return the JSON Schema of a routing decision."""
    return {
        "type": "object",
        "properties": {
            "intent": {"type": "string", "enum": list(intent_names())},
            "confidence": {"type": "number"},
        },
        "required": ["intent", "confidence"],
        "additionalProperties": False,
    }


#: Steps of a running dialogue: only the lane that waits for them names them, never the words.
STEP_INTENTS: dict[str, tuple[str, ...]] = {
    "info": ("menu", "faq_missed", "faq_helped"),
    "commerce": (
        "category",
        "product",
        "quantity",
        "add",
        "clear",
        "fulfilment",
        "address",
        "place",
        "confirm",
        "stop_checkout",
        "repeat",
        "cancel_yes",
        "new_address",
    ),
    "support": ("describe", "choose_order", "solved", "not_solved", "rate", "reopen", "ticket"),
    "survey": ("choose", "consent", "decline", "answer", "finish", "leave"),
}


def intents_of(lane: str) -> tuple[str, ...]:
    """Return every intent a lane handles: those words can name and those of its own steps."""
    return INTENTS.get(lane, ()) + STEP_INTENTS.get(lane, ())

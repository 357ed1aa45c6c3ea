"""Validator: refuses a state whose structure or meaning is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from messaging.state.contract import LANES, ROLES, SCHEMA, TURNS_MAX

_TOP = {
    "schema": int,
    "version": int,
    "meta": dict,
    "identity": dict,
    "slots": dict,
    "dialogue": dict,
}


class InvalidStateError(ValueError):
    """The state cannot be used; ``problems`` says why, one sentence a problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def validate(state: Mapping[str, Any]) -> None:
    """Let a usable state pass.

    Raises:
        InvalidStateError: with every problem found.
    """
    problems = list(_structure(state))
    if not problems:
        problems = list(_meaning(state))
    if problems:
        raise InvalidStateError(problems)


def _structure(state: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(state, dict):
        yield "the state is no object"
        return
    for name, kind in _TOP.items():
        value = state.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            yield f"{name} is no {kind.__name__}"
    for name in ("lane", "intent", "last_turn_id"):
        if not isinstance(state.get(name), str | None):
            yield f"{name} is neither text nor null"
    dialogue = state.get("dialogue")
    if isinstance(dialogue, dict):
        turns = dialogue.get("turns")
        if not isinstance(turns, list):
            yield "dialogue.turns is no list"
        else:
            for position, turn in enumerate(turns):
                yield from _turn(position, turn)
    slots = state.get("slots")
    if isinstance(slots, dict):
        for lane, value in slots.items():
            if not isinstance(value, dict):
                yield f"slots.{lane} is no object"


def _turn(position: int, turn: Any) -> Iterator[str]:
    if not isinstance(turn, dict):
        yield f"dialogue.turns[{position}] is no object"
        return
    if turn.get("role") not in ROLES:
        yield f"dialogue.turns[{position}].role is none of {', '.join(ROLES)}"
    if not isinstance(turn.get("text"), str):
        yield f"dialogue.turns[{position}].text is no text"
    if _moment(turn.get("at")) is None:
        yield f"dialogue.turns[{position}].at is no time"


def _meaning(state: Mapping[str, Any]) -> Iterator[str]:
    if state["schema"] != SCHEMA:
        yield f"schema is {state['schema']}, not {SCHEMA}"
    if state["version"] < 0:
        yield "version is below 0"
    if state["lane"] is not None and state["lane"] not in LANES:
        yield f"lane {state['lane']!r} does not exist"
    if set(state["slots"]) != set(LANES):
        yield "slots are not those of the lanes"
    turns = state["dialogue"]["turns"]
    if len(turns) > TURNS_MAX:
        yield f"more than {TURNS_MAX} turns"
    for name in ("tenant", "phone_number_id", "wa_id"):
        if not state["meta"].get(name):
            yield f"meta.{name} is missing"


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None

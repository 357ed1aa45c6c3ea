"""Upcaster: brings a stored state of any older schema to the present one, a step at a time.

Pure. Each step is a function from schema n to n + 1; golden files of every old schema are among
the tests. A state newer than this code is refused: writing it back would lose what it knows.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from messaging.state.contract import LANES, SCHEMA, State


class UnknownSchemaError(ValueError):
    """The state was written by a newer version of this code, or by none of its versions."""


def upcast(state: State) -> State:
    """Return the state in the present schema; the argument is left as it was.

    Raises:
        UnknownSchemaError: no schema number, or one above ours.
    """
    found = state.get("schema", 1)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= SCHEMA:
        raise UnknownSchemaError(f"state has schema {found!r}, this code knows 1 to {SCHEMA}")
    upcasted = copy.deepcopy(state)
    for schema in range(found, SCHEMA):
        upcasted = _STEPS[schema](upcasted)
        upcasted["schema"] = schema + 1
    return upcasted


def _name_the_lane(state: State) -> State:
    """1 to 2: ``current_lane`` became ``lane``, and the last intent is remembered."""
    state["lane"] = state.pop("current_lane", None)
    state.setdefault("intent", None)
    return state


def _slots_by_lane(state: State) -> State:
    """2 to 3: slots are kept for each lane, and the language moved to the identity."""
    old = state.get("slots") or {}
    if not set(old) <= set(LANES):
        lane = state.get("lane") or "info"
        old = {lane: old}
    state["slots"] = {lane: dict(old.get(lane) or {}) for lane in LANES}
    identity = state.setdefault("identity", {})
    identity.setdefault("name", None)
    identity.setdefault("language", state.pop("locale", None))
    state.setdefault("last_turn_id", None)
    return state


_STEPS: dict[int, Callable[[State], State]] = {1: _name_the_lane, 2: _slots_by_lane}

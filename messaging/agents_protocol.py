"""The border between the turn controller and the lanes' agents.

An agent is handed one turn and where the dialogue stands; it reads rows of its company through
selectors and returns what to say and what to do. It writes nothing itself: what it wants done are
`Effect`s, which the controller runs inside the one transaction that also stores the new state,
the replies and the end of the inbox rows. An effect may refuse (sold out, price changed): the
transaction is undone, and the agent is asked once more with `TurnContext.refusal` set, without
any call to a model. A second refusal is told to the person in the refusal's own words.

A commit that another writer overtook runs the same effects again on fresh rows, so an effect
depends on nothing but its own fields and what it reads in that transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from core.errors import ConflictError
from messaging.replies import Reply
from messaging.turns import Turn


class RouteSource(StrEnum):
    """What decided on the lane."""

    STATE = "state"
    RULES = "rules"
    LLM = "llm"


@dataclass(frozen=True, slots=True)
class RouterDecision:
    """Which lane takes a turn, and why."""

    lane: str
    intent: str
    confidence: float
    """0 to 1."""
    reasons: tuple[str, ...] = ()
    """For operators and logs: constants and rule names, never the person's words."""
    source: RouteSource = RouteSource.RULES


@dataclass(frozen=True, slots=True)
class DialogueTurn:
    """Something said earlier by either side."""

    role: str
    """``user``, ``agent`` or ``operator``."""
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TurnContext:
    """Where the dialogue stands when a turn is handled. Plain values; keys are for selectors."""

    company_id: int
    number_id: int
    contact_id: int
    conversation_id: int
    conversation_public_id: str
    contact_name: str
    language: str
    """``es`` or ``en``: what to answer in."""
    lane: str
    """The lane of the turn before; empty at the start of a dialogue."""
    slots: Mapping[str, Mapping[str, Any]]
    """What each lane remembers: lane to its JSON slots."""
    dialogue: Sequence[DialogueTurn]
    now: datetime
    is_first_turn: bool = False
    refusal: ConflictError | None = None
    """What an effect of the first attempt refused; None on the first attempt."""

    def slots_of(self, lane: str) -> Mapping[str, Any]:
        """Return what a lane remembers; empty when it remembers nothing."""
        return self.slots.get(lane, {})


Effect = Callable[[], Sequence[Reply] | None]
"""Runs inside the commit's transaction; may return further replies, which follow the agent's
(an order's number is known only then). Raises `ConflictError` to refuse."""


@dataclass(frozen=True, slots=True)
class HandOffRequest:
    """The conversation waits for a person from now on."""

    reason: str
    """A constant of `messaging.models.support`."""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class AgentResult:
    """What an agent makes of a turn."""

    replies: tuple[Reply, ...] = ()
    slots: Mapping[str, Any] | None = None
    """The lane's new slots, JSON values, replacing the old ones; None leaves them."""
    lane: str = ""
    """Hands the dialogue on to another lane from the next turn; empty stays."""
    effects: tuple[Effect, ...] = ()
    hand_off: HandOffRequest | None = None
    opt_out: bool = False
    """The person wants no more messages, for good."""
    language: str = ""
    """The language found in the turn; stored with the contact."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """For the turn's record: constants only."""


class BaseAgent(Protocol):
    """One lane."""

    lane: str
    intents: tuple[str, ...]
    """Closed list the router may name for the lane, published as a schema."""
    slot_schema: Mapping[str, Any]
    """JSON Schema of the lane's slots; the validator refuses a state that breaks it."""

    def handle(self, turn: Turn, decision: RouterDecision, context: TurnContext) -> AgentResult:
        """Answer a turn. Reads only; may take seconds where a model is asked.

        Raises:
            Exception: anything; the controller counts the attempt and tries again later.
        """
        ...

    def active_intent(self, turn: Turn, context: TurnContext) -> str | None:
        """Return the intent of the step the lane waits in, when this turn answers it."""
        ...


class Router(Protocol):
    """Decides on the lane."""

    def route(self, turn: Turn, context: TurnContext) -> RouterDecision:
        """Return the lane and intent of a turn."""
        ...


class Registry(Protocol):
    """Holds the agents by lane."""

    def agent_for(self, lane: str) -> BaseAgent:
        """Return the lane's agent.

        Raises:
            KeyError: no such lane.
        """
        ...

    def lanes(self) -> tuple[str, ...]:
        """Return all lanes."""
        ...

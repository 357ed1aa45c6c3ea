"""AgentRegistry: which agent answers which lane, and the router over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from messaging.agents_protocol import BaseAgent
from messaging.lanes.commerce.agent import CommerceAgent
from messaging.lanes.info.agent import InfoAgent
from messaging.lanes.support.agent import SupportAgent
from messaging.lanes.survey.agent import SurveyAgent
from messaging.router.asking import ModelRouter, client_for_company
from messaging.router.intent_router import IntentRouter
from messaging.router.intents import FALLBACK, INTENTS
from messaging.state.controller import TurnController


class AgentRegistry:
    """The lanes by name.

    Args:
        agents: one a lane.
        fallback: the lane that answers what fits none.
    """

    def __init__(self, agents: Iterable[BaseAgent], *, fallback: str = "info") -> None:
        self._agents = {agent.lane: agent for agent in agents}
        self._fallback = fallback

    def agent_for(self, lane: str) -> BaseAgent:
        """Return the lane's agent; for what fits no lane, the one that says so.

        Raises:
            KeyError: no such lane.
        """
        return self._agents[self._fallback if lane == FALLBACK else lane]

    def lanes(self) -> tuple[str, ...]:
        """Return all lanes."""
        return tuple(self._agents)

    def describe(self) -> dict[str, Mapping[str, Any]]:
        """Return what each lane publishes: its intents and the JSON Schema of its slots."""
        described: dict[str, Mapping[str, Any]] = {
            lane: {"intents": list(agent.intents), "slots": dict(agent.slot_schema)}
            for lane, agent in self._agents.items()
        }
        described[FALLBACK] = {"intents": list(INTENTS[FALLBACK]), "slots": {}}
        return described


@lru_cache(maxsize=1)
def default_registry() -> AgentRegistry:
    """Return the product's lanes; the same for a whole process."""
    return AgentRegistry((InfoAgent(), CommerceAgent(), SupportAgent(), SurveyAgent()))


@lru_cache(maxsize=1)
def default_router() -> IntentRouter:
    """Return the product's router: rules, and a model where they are unsure and a key is set."""
    return IntentRouter(default_registry(), ModelRouter(client_for_company))


@lru_cache(maxsize=1)
def get_controller() -> TurnController:
    """Return the product's turn controller over its router and lanes."""
    return TurnController(default_router(), default_registry())

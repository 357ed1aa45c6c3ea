"""Asks a language model which lane an utterance belongs to, when the rules are unsure.

The person's words travel as data, and the answer must be one of the closed list: a model that was
talked into something can at worst send somebody to the wrong lane.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings

from agents.llm.answers import check_schema
from agents.llm.client import LLMClient, LLMError
from agents.llm.factory import get_llm_client
from agents.llm.material import DATA_RULE, clean_line, encode
from messaging.agents_protocol import RouterDecision, RouteSource, TurnContext
from messaging.router.intents import FALLBACK, INTENTS, decision_schema

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 4.0
LEAST_CONFIDENCE = 0.5
_INSTRUCTIONS = (
    f"{DATA_RULE} You route messages that customers of a shop send on WhatsApp, in Spanish or "
    "English. Name the one intent of the list that the last message has. info: greetings, hours, "
    "place, policies, questions about the shop and its goods, wish for a person. commerce: "
    "catalogue, search, price of goods, cart, checkout, orders. support: something went wrong, "
    "complaints, returns, refunds, technical help, tickets. survey: paid surveys. fallback: "
    "anything else. If several fit equally, prefer info, then commerce, then support."
)


class ModelRouter:
    """Route by a language model.

    Args:
        client_for: gives the client for a company, or None when it may not be asked now.
    """

    def __init__(self, client_for: Callable[[int], LLMClient | None]) -> None:
        self._client_for = client_for

    def ask(self, text: str, *, context: TurnContext) -> RouterDecision | None:
        """Return the model's decision; None when it gave none that can be used."""
        client = self._client_for(context.company_id)
        if client is None:
            return None
        schema = decision_schema()
        material: dict[str, Any] = {
            "message": text[:1000],
            "lane_so_far": context.lane,
            "earlier": [
                {"role": turn.role, "text": turn.text[:300]} for turn in context.dialogue[-4:]
            ],
        }
        try:
            answer = client.complete_json(
                system=_INSTRUCTIONS,
                user=encode(material),
                schema=schema,
                deadline_seconds=DEADLINE_SECONDS,
            )
            check_schema(answer, schema)
        except LLMError:
            logger.warning("router.model_unusable")
            return None
        lane, _, intent = clean_line(answer["intent"], max_chars=60).partition(".")
        confidence = min(1.0, max(0.0, float(answer["confidence"])))
        if intent not in INTENTS.get(lane, ()) or confidence < LEAST_CONFIDENCE:
            return None
        reasons = ("model",) if lane != FALLBACK else ("model", "off_topic")
        return RouterDecision(lane, intent, confidence, reasons, RouteSource.LLM)


def client_for_company(company_id: int) -> LLMClient | None:
    """Return the client of the settings while the company's daily allowance lasts."""
    if not settings.LLM_ENABLED:
        return None
    from accounts.models import Company
    from agents.llm.allowance import may_call_model

    company = Company.objects.filter(pk=company_id).first()
    if company is None or not may_call_model(company):
        return None
    return get_llm_client()

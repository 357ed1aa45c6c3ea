"""The one place that decides which agent stands behind each Protocol.

Owns the choice between the built-in agents and model-backed ones with the built-in behind them.
Settings are read when an agent is asked for, never at import. Knows nothing of who asks.
"""

from __future__ import annotations

from django.conf import settings

from agents.interview.protocols import Evaluator, InsightsAgent, Interviewer, TargetingAgent
from agents.llm.client import LLMClient
from agents.llm.factory import get_llm_client


def _client() -> LLMClient | None:
    return get_llm_client() if settings.LLM_ENABLED else None


def get_targeting_agent() -> TargetingAgent:
    """Return the agent that writes briefings."""
    from agents.interview.targeting.builtin import BuiltinTargetingAgent
    from agents.interview.targeting.model import ModelTargetingAgent

    client = _client()
    builtin = BuiltinTargetingAgent()
    return builtin if client is None else ModelTargetingAgent(client, fallback=builtin)


def get_interviewer() -> Interviewer:
    """Return the agent that holds the conversation."""
    from agents.interview.interviewer.builtin import BuiltinInterviewer
    from agents.interview.interviewer.model import ModelInterviewer

    client = _client()
    builtin = BuiltinInterviewer()
    return builtin if client is None else ModelInterviewer(client, fallback=builtin)


def get_evaluator() -> Evaluator:
    """Return the agent that scores a transcript."""
    from agents.interview.evaluation.builtin import BuiltinEvaluator
    from agents.interview.evaluation.model import ModelEvaluator
    from agents.interview.evaluation.with_fallback import FallbackEvaluator

    client = _client()
    builtin = BuiltinEvaluator()
    if client is None:
        return builtin
    return FallbackEvaluator(ModelEvaluator(client), builtin)


def get_insights_agent() -> InsightsAgent:
    """Return the agent that finds themes."""
    from agents.interview.insights.builtin import BuiltinInsightsAgent
    from agents.interview.insights.model import ModelInsightsAgent

    client = _client()
    builtin = BuiltinInsightsAgent()
    return builtin if client is None else ModelInsightsAgent(client, fallback=builtin)

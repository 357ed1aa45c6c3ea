"""Fixtures of the survey tests."""

from __future__ import annotations

from surveys.tests.agent_doubles import evaluator as evaluator
from surveys.tests.stripe_world import stripe_server as stripe_server

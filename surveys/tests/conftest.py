"""Fixtures of the survey tests."""

from __future__ import annotations

from surveys.tests.agent_doubles import evaluator as evaluator

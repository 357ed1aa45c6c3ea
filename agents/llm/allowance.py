"""How often a company may ask a language model in a day, whatever it asks for.

Owns the one counter. A model costs money each time, so the count is atomic. Past the limit the
built-in agents answer: nobody is turned away. Knows no agent and nothing of who is interviewed.
"""

from __future__ import annotations

import logging

from django.conf import settings

from accounts.models import Company
from core import ratelimit
from core.errors import RateLimitedError

logger = logging.getLogger(__name__)

SCOPE = "llm.company_day"
DAY_SECONDS = 24 * 3600


def may_call_model(company: Company) -> bool:
    """Count one call for a company and tell whether its day has room for it.

    Without a model configured nothing is counted: the built-in agents are free. Call it outside
    of a transaction, since a count that is rolled back does not count.
    """
    if not settings.LLM_ENABLED:
        return True
    try:
        ratelimit.hit(
            scope=SCOPE,
            key=company.public_id,
            limit=settings.LLM_DAILY_CALLS_PER_COMPANY,
            window_seconds=DAY_SECONDS,
        )
    except RateLimitedError:
        logger.warning("llm.company_limit_reached", extra={"company_id": company.public_id})
        return False
    return True

"""Who acts in the tests of the audit trail, and with what. Knows no single deed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Company, User
from accounts.tests.factories import make_key
from agents.interview.types import FlagKind
from surveys.models import Payout, PayoutState, Survey
from surveys.tests.agent_doubles import FixedEvaluator, use_evaluator, use_flags
from surveys.tests.builders import Visitor, make_survey


@dataclass
class Stage:
    """Who acts in these tests, and with what."""

    ana: User
    beto: User
    vera: User
    acme: Company
    patch: pytest.MonkeyPatch
    client: Client = field(default_factory=Client)

    def signed_in(self, user: User) -> Client:
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return self.client

    def post(self, path: str, **fields: Any) -> Any:
        """Send a form as Ana."""
        answer = self.signed_in(self.ana).post(path, fields)
        assert answer.status_code in (200, 302), (path, answer.status_code, answer.content[:600])
        return answer

    def api(self) -> APIClient:
        """Return a client with a key of the company."""
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(self.acme)[1]}")
        return client

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = getattr(self.api(), method)(path, body)
        assert answer.status_code < 300, (path, answer.status_code, answer.content[:600])
        if answer.streaming:
            b"".join(answer.streaming_content)
        return answer

    def survey(self) -> Survey:
        return make_survey(self.acme)

    def answered(self, *, score: int = 85) -> Visitor:
        use_evaluator(self.patch, FixedEvaluator(score=score))
        visitor = Visitor(self.survey())
        visitor.answer_all()
        return visitor

    def held(self) -> Visitor:
        use_flags(self.patch, FlagKind.PROMPT_INJECTION)
        visitor = self.answered()
        assert Payout.objects.get().state == PayoutState.HELD
        return visitor

    def decide(self, visitor: Visitor, decision: str, **fields: str) -> None:
        path = f"/console/review/{visitor.session_id}/"
        answer = self.post(path, decision=decision, reason="Looked at it.", **fields)
        assert answer.status_code == 302, answer.content[:600]

    def change_pay(self, state: PayoutState, change: str) -> str:
        visitor = self.answered()
        payout = Payout.objects.get()
        if state != PayoutState.PAID:
            self.post(
                f"/console/sessions/{visitor.session_id}/pay/", change="reverse", reason="To try."
            )
            Payout.objects.update(state=state, is_funded=False)
        self.post(f"/console/sessions/{visitor.session_id}/pay/", change=change, reason="Because.")
        return payout.public_id

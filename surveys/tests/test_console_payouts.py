"""Changing a payout after it was decided: called off, taken back, sent again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.models import Company, User
from core.models import AuditEvent
from surveys.models import LedgerTransaction, Payout, PayoutState
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]


@pytest.fixture
def paid(acme: Company, evaluator: FixedEvaluator) -> Visitor:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    assert Payout.objects.get().state == PayoutState.PAID
    return visitor


def change(browser: Client, visitor: Visitor, **fields: str) -> tuple[int, list[str]]:
    answer: Any = browser.post(f"/console/sessions/{visitor.session_id}/pay/", fields)
    return answer.status_code, [str(one) for one in get_messages(answer.wsgi_request)]


def test_a_paid_payout_is_taken_back_with_a_reason(
    paid: Visitor, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    assert "Take back" in browser.get(f"/console/sessions/{paid.session_id}/").content.decode()

    status, said = change(browser, paid, change="reverse", reason="Paid by mistake.")

    assert (status, said) == (302, ["Taken back. The money is in the budget again."])
    payout = Payout.objects.get()
    assert (payout.state, payout.review_note) == (PayoutState.REVERSED, "Paid by mistake.")
    assert LedgerTransaction.objects.filter(kind="payout_reversed").count() == 1
    assert AuditEvent.objects.filter(action="payout.reversed").count() == 1
    page = browser.get(f"/console/sessions/{paid.session_id}/").content.decode()
    assert 'name="change"' not in page


def test_without_a_reason_or_with_an_unknown_change_nothing_moves(
    paid: Visitor, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    before = LedgerTransaction.objects.count(), AuditEvent.objects.count()

    assert change(browser, paid, change="reverse", reason=" ")[1] == [
        "Say why: the visitor will read it."
    ]
    assert change(browser, paid, change="double", reason="More.")[1] == [
        "Say why: the visitor will read it.",
        "Choose to call off, to take back or to send again.",
    ]

    assert Payout.objects.get().state == PayoutState.PAID
    assert (LedgerTransaction.objects.count(), AuditEvent.objects.count()) == before


def test_an_approved_payout_is_called_off_and_a_failed_one_sent_again(
    paid: Visitor, ana: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(ana)
    change(browser, paid, change="reverse", reason="To try the others.")
    for state, label in ((PayoutState.APPROVED, "Call off"), (PayoutState.FAILED, "Send again")):
        Payout.objects.update(state=state, is_funded=False)
        page = browser.get(f"/console/sessions/{paid.session_id}/").content.decode()
        assert label in page

    assert change(browser, paid, change="cancel", reason="Late.")[0] == 302
    assert Payout.objects.get().state == PayoutState.FAILED
    change(browser, paid, change="retry")
    payout = Payout.objects.get()
    assert (payout.state, payout.attempt) == (PayoutState.PAID, 2)

    Payout.objects.update(state=PayoutState.APPROVED, is_funded=False)
    change(browser, paid, change="cancel", reason="Called off.")
    assert Payout.objects.get().state == PayoutState.CANCELLED


def test_nobody_else_changes_it(
    paid: Visitor, carla: User, vera: User, browser_of: BrowserOf
) -> None:
    for person in (carla, vera):
        answer = browser_of(person).post(
            f"/console/sessions/{paid.session_id}/pay/", {"change": "reverse", "reason": "Mine."}
        )
        assert answer.status_code in (302, 403, 404)
    assert Payout.objects.get().state == PayoutState.PAID

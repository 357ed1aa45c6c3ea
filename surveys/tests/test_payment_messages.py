"""What a visitor is told of the pay, state by state."""

from __future__ import annotations

import re

import pytest

from surveys.models import PayoutState
from surveys.services.payouts import payment_view
from surveys.tests.money_world import complete, make_paid_company, make_response, make_survey

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "status", "message"),
    [
        ("paid", "success", "Thank you! You've earned $15.50"),
        ("approved", "pending", "Thank you! $15.50 is on its way"),
        ("sending", "pending", "Thank you! $15.50 is on its way"),
        ("unclaimed", "pending", "Thank you! $15.50 is waiting: say in your wallet where to send"),
        ("held", "held", "Thank you! Your answer is being checked; you will see the result here"),
        ("rejected", "failed", "This answer was not paid after a check. Twice the same. If you"),
        ("cancelled", "failed", "The payment was called off. Twice the same. If you think that is"),
        ("failed", "failed", "The payment could not be delivered. If you think that is wrong, you"),
        ("reversed", "failed", "The payment was taken back. Twice the same. If you think that is"),
    ],
)
def test_each_state_of_a_payout_is_one_of_five_to_its_visitor(
    state: str, status: str, message: str
) -> None:
    response = make_response(make_survey(make_paid_company()))
    payout = complete(response, 1550)
    assert payout is not None
    payout.state, payout.review_note = PayoutState(state), "Twice the same."
    response.payout = payout
    view = payment_view(response)
    assert (view.payment_status, view.amount_minor) == (status, 0 if status == "failed" else 1550)
    assert view.message.startswith(message)
    assert ("appeal" in view.message) is (status == "failed")
    assert view.transaction_id == payout.transaction_id
    assert re.fullmatch(rf"txn_{response.voice_session.public_id}_\d{{10}}", payout.transaction_id)


def test_messages_in_spanish() -> None:
    survey = make_survey(make_paid_company())
    response = make_response(survey, language="es")
    complete(response, 1550)
    assert payment_view(response).message == "¡Gracias! Has ganado 15,50\N{NO-BREAK SPACE}US$"

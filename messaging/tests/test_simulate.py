"""`manage.py whatsapp_simulate`: the conversations in examples/whatsapp, and scripts that fail."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Company
from messaging.models import (
    Order,
    OrderState,
    OutboundMessage,
    SimulatedPhone,
    SurveyRun,
    Ticket,
)
from messaging.services.survey_runs import save_keyword
from messaging.tests.shop_world import make_shop
from messaging.whatsapp import simulator
from surveys.models import Payout
from surveys.tests.builders import make_survey

pytestmark = pytest.mark.django_db
SCRIPTS = Path(__file__).resolve().parents[2] / "examples" / "whatsapp"


@pytest.fixture(autouse=True)
def _statuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "STATUS_STEP_SECONDS", 0)


@pytest.mark.parametrize(
    ("script", "language", "code"),
    [("conversation-es", "es", "CAFE"), ("conversation-en", "en", "COFFEE")],
)
def test_the_whole_conversation_is_played(
    acme: Company, script: str, language: str, code: str
) -> None:
    make_shop(acme)
    save_keyword(survey=make_survey(acme, languages=["en", "es"]), code=code)
    said = StringIO()

    call_command("whatsapp_simulate", str(SCRIPTS / f"{script}.yaml"), stdout=said)

    assert Order.objects.get().state == OrderState.PAID
    assert Order.objects.get().language == language
    assert Ticket.objects.get().number == "T-1001"
    run = SurveyRun.objects.get()
    assert run.state == "done", said.getvalue()
    assert Payout.objects.get(response=run.response).amount_minor > 0
    # All was delivered to the phone, each message once.
    assert set(OutboundMessage.objects.values_list("state", flat=True)) == {"delivered"}
    shown = SimulatedPhone.objects.get().messages.filter(is_outgoing=False)
    assert shown.count() == OutboundMessage.objects.count()


def test_a_script_fails_where_the_answers_differ(acme: Company, tmp_path: Path) -> None:
    make_shop(acme)
    script = tmp_path / "wrong.yaml"
    script.write_text("steps:\n  - {say: Hola, expect: {lane: support}}\n  - {press: Nothing}\n")
    said, complaints = StringIO(), StringIO()

    with pytest.raises(CommandError, match="2 expectations"):
        call_command("whatsapp_simulate", str(script), stdout=said, stderr=complaints)

    assert "lane is 'info', not 'support'" in complaints.getvalue()
    assert "no button or row that begins with 'Nothing'" in complaints.getvalue()


@pytest.mark.parametrize("words", ["steps: [", "name: x", "steps: [{shout: Hola}]"])
def test_what_is_no_script_is_said_so(acme: Company, tmp_path: Path, words: str) -> None:
    make_shop(acme)
    script = tmp_path / "broken.yaml"
    script.write_text(words)

    with pytest.raises(CommandError):
        call_command("whatsapp_simulate", str(script), stdout=StringIO())

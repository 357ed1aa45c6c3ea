"""Text of strangers stays text: on every page of console and admin, and in exports."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.apps import apps
from django.urls import reverse

from accounts.models import Company, User
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db

PAYLOAD = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}"
FORMULA = '=HYPERLINK("http://evil.test","all forty headings on Monday were lost at six o\'clock")'


@pytest.fixture
def answered(acme: Company) -> Visitor:
    """Return a finished answer in which everything a stranger may write is hostile."""
    survey = make_survey(
        acme,
        title=f"Title {PAYLOAD}",
        description=PAYLOAD,
        questions=[{"text": f"What happened {PAYLOAD}?", "max_probes": 0}],
    )
    visitor = Visitor(survey)
    visitor.start(attributes={"plan": PAYLOAD})
    visitor.talk((f"On Monday at 6:41 the export lost forty headings, because {PAYLOAD} broke.",))
    visitor.done()
    visitor.call("post", "appeal", visitor.started["receipt_token"], {"text": PAYLOAD})
    return visitor


def _raw(html: str) -> bool:
    return "<img src=x" in html or "<script>alert" in html


def test_no_page_of_the_console_runs_it(answered: Visitor, ana: User, browser_of: Any) -> None:
    survey, session = answered.survey.public_id, answered.session_id
    browser = browser_of(ana)
    paths = [
        "/console/",
        "/console/surveys/",
        f"/console/surveys/{survey}/",
        f"/console/surveys/{survey}/edit/",
        f"/console/surveys/{survey}/versions/",
        f"/console/surveys/{survey}/insights/",
        f"/console/surveys/{survey}/preview/",
        "/console/sessions/",
        f"/console/sessions/{session}/",
        "/console/review/",
        f"/console/review/{session}/",
        "/console/ledger/",
        "/console/install/",
        f"/s/{survey}",
    ]

    seen = 0
    for path in paths:
        answer = browser.get(path)
        html = answer.content.decode()
        assert answer.status_code == 200, path
        assert not _raw(html), path
        seen += "&lt;img src=x" in html

    assert seen >= 8


def test_no_page_of_the_admin_runs_it(answered: Visitor, ana: User, browser_of: Any) -> None:
    ana.is_staff = ana.is_superuser = True
    ana.save()
    browser = browser_of(ana)

    opened = 0
    for label in ("surveys", "voice_sessions", "core", "accounts"):
        for model in apps.get_app_config(label).get_models():
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            rows = list(model._default_manager.values_list("pk", flat=True)[:3])
            paths = [reverse(f"{name}_changelist")]
            paths += [reverse(f"{name}_change", args=[pk]) for pk in rows]
            for path in paths:
                answer = browser.get(path)
                assert answer.status_code == 200, path
                assert not _raw(answer.content.decode()), path
                opened += 1

    assert opened > 40


def test_cells_of_an_export_start_no_formula(acme: Company, api_of: Any) -> None:
    visitor = Visitor(make_survey(acme, title="=1+1"))
    visitor.answer_all((FORMULA, f"\t{FORMULA}"))

    answer = api_of(acme).get(f"/survey/{visitor.survey.public_id}/export.csv")

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@"))] == []

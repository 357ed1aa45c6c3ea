"""A survey's answers to take away: safe in a spreadsheet, complete as JSON, streamed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts.models import Company
from core.models import AuditEvent
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import ANSWERS, OTHER_ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db

ApiOf = Callable[..., APIClient]


def body_of(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_csv_has_an_answer_a_row_with_a_column_a_question(
    acme: Company, evaluator: FixedEvaluator, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    first, second = Visitor(survey), Visitor(survey)
    first.answer_all()
    second.answer_all(OTHER_ANSWERS)
    Visitor(survey).start()
    answer = api_of(acme).get(f"/survey/{survey.public_id}/export.csv")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="{survey.public_id}.csv"'
    assert answer.streaming
    rows = list(csv.DictReader(io.StringIO(body_of(answer))))
    assert [row["session_id"] for row in rows] == [second.session_id, first.session_id]
    assert rows[1]["What were you trying to get done?"] == ANSWERS[0]
    assert rows[1]["Which part slowed you down?"] == ANSWERS[1]
    assert (rows[1]["score"], rows[1]["payment_amount"], rows[1]["payment_state"]) == (
        "85",
        "15.5",
        "paid",
    )
    assert AuditEvent.objects.filter(action="survey.exported", note="csv").count() == 1


@pytest.mark.parametrize("evil", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "\uff1d1+1"])
def test_no_cell_is_a_formula(
    acme: Company, evaluator: FixedEvaluator, api_of: ApiOf, evil: str
) -> None:
    survey = make_survey(acme, questions=[{"text": f"{evil} what?", "max_probes": 0}])
    Visitor(survey).answer_all((f"{evil} because of the export on Monday",))
    text = body_of(api_of(acme).get(f"/survey/{survey.public_id}/export.csv"))
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert cell.lstrip()[:1] not in ("=", "+", "-", "@", "\uff1d")


def test_a_byte_order_mark_comes_when_asked_for(
    acme: Company, evaluator: FixedEvaluator, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    path = f"/survey/{survey.public_id}/export.csv"
    assert not body_of(api_of(acme).get(path)).startswith("\ufeff")
    assert body_of(api_of(acme).get(f"{path}?bom=true")).startswith("\ufeff")
    assert api_of(acme).get(f"{path}?bom=maybe").status_code == 400


def test_jsonl_has_transcript_and_evaluation(
    acme: Company, evaluator: FixedEvaluator, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all(attributes={"plan": "pro"})
    answer = api_of(acme).get(f"/survey/{survey.public_id}/export.jsonl")
    (line,) = body_of(answer).splitlines()
    row = json.loads(line)
    assert row["session_id"] == visitor.session_id
    assert row["attributes"] == {"plan": "pro"}
    assert [turn["text"] for turn in row["transcript"] if turn["role"] == "user"] == list(ANSWERS)
    assert row["evaluation"]["score"] == 85
    assert row["evaluation"]["marks"][0]["marks"][0]["evidence"][0]["quote"] == ANSWERS[0][:12]


def test_no_export_names_a_respondent(
    acme: Company, evaluator: FixedEvaluator, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all()
    row = visitor.response
    for kind in ("csv", "jsonl"):
        text = body_of(api_of(acme).get(f"/survey/{survey.public_id}/export.{kind}"))
        for secret in (row.respondent_key, row.device_hash, row.ip_hash, row.wallet.public_id):
            assert secret not in text


def test_erased_answers_are_in_no_export(
    acme: Company, evaluator: FixedEvaluator, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all()
    visitor.call("delete", "data", visitor.started["receipt_token"])
    text = body_of(api_of(acme).get(f"/survey/{survey.public_id}/export.jsonl"))
    assert text == ""


def test_an_export_costs_the_same_queries_for_any_number_of_answers(
    acme: Company,
    evaluator: FixedEvaluator,
    api_of: ApiOf,
    django_assert_max_num_queries: Any,
) -> None:
    survey = make_survey(acme)
    client = api_of(acme)
    for answers in (ANSWERS, OTHER_ANSWERS):
        Visitor(survey).answer_all(answers)
    with django_assert_max_num_queries(9):
        body_of(client.get(f"/survey/{survey.public_id}/export.jsonl"))


def test_the_command_writes_what_the_route_does(
    acme: Company, evaluator: FixedEvaluator, api_of: ApiOf, tmp_path: Path
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    target = tmp_path / "out.csv"
    call_command("export_survey", survey.public_id, "--company", acme.slug, "--output", str(target))
    with target.open(newline="", encoding="utf-8") as handle:
        assert handle.read() == body_of(api_of(acme).get(f"/survey/{survey.public_id}/export.csv"))
    with pytest.raises(CommandError, match="no company"):
        call_command("export_survey", survey.public_id, "--company", "nobody")
    with pytest.raises(CommandError, match="no survey"):
        call_command("export_survey", "survey_x", "--company", acme.slug)


def test_the_sessions_list_filters_and_pages(
    acme: Company, evaluator: FixedEvaluator, api_of: ApiOf, django_assert_num_queries: Any
) -> None:
    survey = make_survey(acme)
    first, second = Visitor(survey), Visitor(survey)
    first.answer_all()
    second.start()
    client = api_of(acme)
    path = f"/survey/{survey.public_id}/sessions"
    # Key, its last use, survey, page.
    client.get(path)
    with django_assert_num_queries(4):
        rows = client.get(path).json()["results"]
    assert [row["session_id"] for row in rows] == [second.session_id, first.session_id]
    assert (rows[1]["score"], rows[1]["payment_amount"], rows[1]["payment_state"]) == (
        85,
        15.5,
        "paid",
    )
    assert rows[0]["state"] == "open"

    def ids(query: str) -> list[str]:
        return [row["session_id"] for row in client.get(f"{path}?{query}").json()["results"]]

    assert ids("state=completed") == [first.session_id]
    assert ids("flagged=true") == []
    assert ids("since=2000-01-01T00:00:00Z&limit=1") == [second.session_id]
    assert ids("until=2000-01-01T00:00:00Z") == []
    for query in (
        "state=x",
        "flagged=1",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "until=x",
    ):
        assert client.get(f"{path}?{query}").status_code == 400, query

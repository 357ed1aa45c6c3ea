from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from workflows.models import Outcome, OutcomeChange
from workflows.tests.builders import NOON, fresh, make_execution, set_profile

pytestmark = pytest.mark.django_db


def entry(execution, **fields):
    return {
        "execution_id": execution.public_id,
        "metric_type": "revenue",
        "value": 1250.5,
        "currency": "USD",
        "proof_type": "none",
        **fields,
    }


@pytest.fixture
def execution(ana):
    set_profile(ana, market="freelancer", skill_level="beginner")
    return make_execution(ana)


def test_a_result_is_logged_with_its_cohort(ana, execution, api_of):
    answer = api_of(ana).post("/api/outcome", entry(execution, user_id=ana.public_id))

    body = answer.json()
    row = Outcome.objects.get()
    assert answer.status_code == 201
    assert body["outcome_id"] == row.public_id
    assert (body["value"], body["currency"], body["display"]) == (1250.5, "USD", "$1,250.50")
    assert (row.value_minor, row.unit, row.workflow) == (125_050, "USD", execution.workflow)
    assert (row.market.slug, row.skill_level.slug) == ("freelancer", "beginner")
    assert row.is_counted
    assert fresh(execution).first_outcome_at == row.logged_at
    assert OutcomeChange.objects.get().after["value_minor"] == 125_050


def test_the_cohort_is_the_one_at_the_moment_of_logging(ana, execution, api_of):
    set_profile(ana, market="agency", skill_level="advanced")

    api_of(ana).post("/api/outcome", entry(execution))

    row = Outcome.objects.get()
    assert (row.market.slug, fresh(execution).market.slug) == ("agency", "freelancer")


def test_one_run_has_several_results(ana, execution, api_of):
    client = api_of(ana)
    client.post("/api/outcome", entry(execution))
    client.post(
        "/api/outcome", entry(execution, metric_type="time_saved", value="2.5", currency="hours")
    )

    listed = client.get("/api/outcomes").json()["results"]

    assert [one["display"] for one in listed] == ["2.5 hours", "$1,250.50"]


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"value": -1}, 400, "/value"),
        ({"value": "1e5"}, 400, "/value"),
        ({"value": 10**15}, 400, "/value"),
        ({"value": True}, 400, "/value"),
        ({"value": None}, 400, "/value"),
        ({"value": [1]}, 400, "/value"),
        ({"value": "12.5", "currency": "JPY"}, 400, "/value"),
        ({"value": "1.2345", "currency": "KWD"}, 400, "/value"),
        ({"currency": "US$"}, 400, "/currency"),
        ({"currency": ""}, 400, "/currency"),
        ({"metric_type": "karma"}, 400, "/metric_type"),
        ({"metric_type": "time_saved", "currency": "USD"}, 400, "/currency"),
        ({"metric_type": "custom", "currency": ""}, 400, "/currency"),
        ({"execution_id": "execution_none"}, 404, "/execution_id"),
        ({"proof_type": "gif"}, 400, "/proof_type"),
        ({"client_op_id": "with space"}, 400, "/client_op_id"),
    ],
)
def test_a_result_that_cannot_be_is_refused_at_its_field(
    ana, execution, api_of, fields, status, pointer
):
    answer = api_of(ana).post("/api/outcome", entry(execution, **fields))

    assert answer.status_code == status
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert Outcome.objects.count() == 0
    assert fresh(execution).first_outcome_at is None


def test_yen_and_dinar_keep_their_own_decimals(ana, execution, api_of):
    client = api_of(ana)

    yen = client.post("/api/outcome", entry(execution, value="1,250", currency="JPY")).json()
    dinar = client.post("/api/outcome", entry(execution, value="1.250", currency="KWD")).json()

    assert (yen["value"], dinar["value"]) == (1250, 1.25)
    assert list(Outcome.objects.order_by("pk").values_list("value_minor", flat=True)) == [
        1250,
        1250,
    ]


def test_a_run_of_somebody_else_takes_no_result(ana, carla, execution, api_of, api):
    assert api.post("/api/outcome", entry(execution)).status_code == 401
    assert api_of(carla).post("/api/outcome", entry(execution)).status_code == 404
    refused = api_of(carla).post("/api/outcome", entry(execution, user_id=ana.public_id))
    assert refused.json()["code"] == "not_your_user_id"
    assert Outcome.objects.count() == 0


def test_a_proof_that_is_named_must_come(ana, execution, api_of):
    answer = api_of(ana).post("/api/outcome", entry(execution, proof_type="image"))

    assert (answer.status_code, answer.json()["code"]) == (422, "proof_missing")
    assert Outcome.objects.count() == 0


@pytest.mark.parametrize("by_header", [True, False])
def test_the_same_request_twice_is_one_result(ana, execution, api_of, by_header):
    client = api_of(ana)
    headers = {"HTTP_IDEMPOTENCY_KEY": "log-1"} if by_header else {}
    body = entry(execution) if by_header else entry(execution, client_op_id="log-1")

    first = client.post("/api/outcome", body, **headers)
    second = client.post("/api/outcome", body, **headers)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["outcome_id"] == second.json()["outcome_id"]
    assert Outcome.objects.count() == 1


def test_an_id_of_another_result_is_refused(ana, execution, api_of):
    client = api_of(ana)
    client.post("/api/outcome", entry(execution, client_op_id="log-1"))

    answer = client.post("/api/outcome", entry(execution, value=3, client_op_id="log-1"))

    assert (answer.status_code, answer.json()["code"]) == (422, "client_op_id_reused")
    assert Outcome.objects.count() == 1


def test_a_run_has_a_limit_of_results(ana, execution, api_of, monkeypatch):
    monkeypatch.setattr("workflows.services.outcomes.MAX_OUTCOMES", 1)
    client = api_of(ana)
    client.post("/api/outcome", entry(execution))

    answer = client.post("/api/outcome", entry(execution))

    assert answer.json()["code"] == "too_many_outcomes"
    assert Outcome.objects.count() == 1


def test_a_correction_keeps_what_was_before(ana, execution, api_of):
    client = api_of(ana)
    outcome_id = client.post("/api/outcome", entry(execution)).json()["outcome_id"]

    corrected = client.patch(f"/api/outcome/{outcome_id}", {"value": "1,300"}).json()
    client.patch(f"/api/outcome/{outcome_id}", {"value": "1300"})

    detail = client.get(f"/api/outcome/{outcome_id}").json()
    assert corrected["display"] == detail["display"] == "$1,300.00"
    assert [line["kind"] for line in detail["history"]] == ["logged", "corrected"]
    assert detail["history"][1]["before"]["value_minor"] == 125_050
    assert detail["history"][1]["after"]["value_minor"] == 130_000


def test_a_correction_of_the_metric_needs_its_unit(ana, execution, api_of):
    client = api_of(ana)
    outcome_id = client.post("/api/outcome", entry(execution)).json()["outcome_id"]

    refused = client.patch(f"/api/outcome/{outcome_id}", {"metric_type": "time_saved"})
    taken = client.patch(
        f"/api/outcome/{outcome_id}",
        {"metric_type": "time_saved", "currency": "days", "value": 2},
    )

    assert refused.json()["code"] == "currency_invalid"
    assert taken.json()["display"] == "2 days"


def test_a_voided_result_no_longer_counts_and_stays_in_the_history(ana, execution, api_of):
    client = api_of(ana)
    with time_machine.travel(NOON, tick=False) as now:
        first = client.post("/api/outcome", entry(execution)).json()["outcome_id"]
        now.shift(timedelta(days=1))
        client.post("/api/outcome", entry(execution, value=7))

    body = client.delete(f"/api/outcome/{first}").json()
    again = client.delete(f"/api/outcome/{first}").json()

    assert (body["is_void"], body["is_counted"]) == (True, False)
    assert again == body
    assert fresh(execution).first_outcome_at == NOON + timedelta(days=1)
    assert [one["is_void"] for one in client.get("/api/outcomes").json()["results"]] == [
        False,
        True,
    ]
    refused = client.patch(f"/api/outcome/{first}", {"value": 1})
    assert refused.json()["code"] == "outcome_voided"


def test_a_result_of_somebody_else_is_not_there(ana, carla, execution, api_of):
    outcome_id = api_of(ana).post("/api/outcome", entry(execution)).json()["outcome_id"]
    stranger = api_of(carla)

    for method in ("get", "patch", "delete"):
        answer = getattr(stranger, method)(f"/api/outcome/{outcome_id}")
        assert answer.json()["code"] == "outcome_not_found"
    assert stranger.get("/api/outcomes").json()["results"] == []
    assert not Outcome.objects.get().is_void


def test_results_come_in_pages(ana, execution, api_of):
    client = api_of(ana)
    for value in range(3):
        client.post("/api/outcome", entry(execution, value=value))

    first = client.get("/api/outcomes?limit=2").json()
    second = client.get(first["next"]).json()

    shown = [one["value"] for one in first["results"] + second["results"]]
    assert shown == [2, 1, 0]


def test_a_page_of_results_costs_the_same_whatever_its_length(
    ana, execution, api_of, django_assert_num_queries
):
    client = api_of(ana)
    for value in range(5):
        client.post("/api/outcome", entry(execution, value=value))

    with django_assert_num_queries(4):
        client.get("/api/outcomes")

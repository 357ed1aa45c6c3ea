"""The executor and the outcome logger as pages, with and without a script."""

from __future__ import annotations

import re

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile

from surveys.tests.builders import make_survey
from workflows.models import Outcome, ProofFile
from workflows.services.executions import abandon_execution, complete_execution
from workflows.services.progress import Change, save_progress
from workflows.storage import proofs
from workflows.storage.inspection import MAX_BYTES
from workflows.tests.builders import fresh, image_bytes, make_execution, pdf_bytes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    storage = FileSystemStorage(location=str(tmp_path / "proofs"), base_url=None)
    monkeypatch.setattr(proofs, "proof_storage", lambda: storage)
    return tmp_path / "proofs"


def executor(execution):
    return f"/executor/{execution.public_id}"


def logger(execution):
    return f"/outcome/{execution.public_id}"


def form(**fields):
    return {
        "metric_type": "revenue",
        "value": "1,250.50",
        "currency": "EUR",
        "time_unit": "hours",
        "label": "",
        "client_op_id": "form-1",
        **fields,
    }


def test_the_executor_shows_every_step_with_its_words_and_notes(ana, browser_of):
    execution = make_execution(ana)
    save_progress(execution=execution, change=Change(steps_completed=1, note="<b>Ben</b>"))

    answer = browser_of(ana).get(executor(execution))

    page = answer.content.decode()
    assert answer.status_code == 200
    for step in execution.version.steps:
        assert step["title"] in page
    assert "Underline its five most important demands" in page
    assert "1 of 5 steps done" in page
    assert "&lt;b&gt;Ben&lt;/b&gt;" in page
    assert "<b>Ben</b>" not in page
    assert re.search(r'data-go="2" aria-current="step"', page)
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("path", ["/executor/{}", "/outcome/{}"])
def test_a_page_of_what_is_not_there_or_not_yours_is_a_404(ana, carla, browser_of, path):
    execution = make_execution(ana)

    assert browser_of(ana).get(path.format("execution_none")).status_code == 404
    assert browser_of(carla).get(path.format(execution.public_id)).status_code == 404
    assert browser_of(carla).post(path.format(execution.public_id), form()).status_code in (
        404,
        405,
    )
    nobody = browser_of().get(path.format(execution.public_id))
    assert nobody["Location"].startswith("/account/login/?next=")
    assert Outcome.objects.count() == 0


def test_an_ended_run_reads_and_no_longer_changes(ana, browser_of):
    done, given_up = make_execution(ana), make_execution(ana)
    save_progress(execution=done, change=Change(steps_completed=5))
    complete_execution(execution=done)
    abandon_execution(execution=given_up)

    finished = browser_of(ana).get(executor(done)).content.decode()
    abandoned = browser_of(ana).get(executor(given_up)).content.decode()

    assert "You finished this workflow" in finished
    assert "You gave this run up" in abandoned
    for page in (finished, abandoned):
        assert "data-complete " not in page
        assert page.count("readonly>") == 5


def test_a_finished_run_offers_the_linked_paid_interview(ana, acme, browser_of):
    execution = make_execution(ana)
    survey = make_survey(acme)
    execution.workflow.feedback_survey = survey
    execution.workflow.save()

    page = browser_of(ana).get(executor(execution)).content.decode()

    assert f'href="/s/{survey.public_id}" data-offer' in page
    survey.status = "paused"
    survey.save()
    assert "data-offer" not in browser_of(ana).get(executor(execution)).content.decode()


def test_the_pages_cost_a_fixed_number_of_queries(ana, browser_of, django_assert_max_num_queries):
    browser = browser_of(ana)
    execution = make_execution(ana)
    for number in range(6):
        browser.post(logger(execution), form(client_op_id=f"n-{number}"))

    with django_assert_max_num_queries(8):
        browser.get(executor(execution))
    with django_assert_max_num_queries(8):
        browser.get(logger(execution))


def test_the_whole_way_from_start_to_result_over_the_api(ana, api_of, browser_of):
    client, browser = api_of(ana), browser_of(ana)
    client.get("/api/workflows")
    started = client.post("/api/execution", {"workflow_name": "resume_generator"}).json()
    assert browser.get(started["executor_url"]).status_code == 200
    progress = f"/api/execution/{started['execution_id']}/progress"
    for number in range(1, 6):
        body = client.put(progress, {"steps_completed": number, "notes": f"n{number}"}).json()
        assert body["steps_completed"] == number
    assert browser.get(started["outcome_url"]).status_code == 200
    done = client.post(f"/api/execution/{started['execution_id']}/complete").json()
    assert done["status"] == "completed"
    for metric, currency in (("revenue", "INR"), ("time_saved", "hours")):
        logged = client.post(
            "/api/outcome",
            {
                "execution_id": started["execution_id"],
                "user_id": ana.public_id,
                "metric_type": metric,
                "value": 12.5,
                "currency": currency,
                "proof_type": "none",
            },
        )
        assert logged.status_code == 201

    assert client.get(f"/api/execution/{started['execution_id']}").json()["step_notes"] == {
        str(number): f"n{number}" for number in range(1, 6)
    }
    assert Outcome.objects.filter(execution__person=ana).count() == 2


def test_the_form_logs_a_result_with_proof_without_any_script(ana, browser_of):
    execution = make_execution(ana)
    browser = browser_of(ana, enforce_csrf_checks=False)

    answer = browser.post(
        logger(execution), form(proof=SimpleUploadedFile("bill.pdf", pdf_bytes()))
    )

    row = Outcome.objects.get()
    assert (answer.status_code, row.value_minor, row.unit) == (302, 125_050, "EUR")
    page = browser.get(answer["Location"]).content.decode()
    assert "Logged: €1,250.50" in page
    assert "bill.pdf" in page
    assert ProofFile.objects.get().outcome == row


@pytest.mark.parametrize(
    ("metric", "fields", "shown"),
    [
        ("time_saved", {"value": "3", "time_unit": "days"}, "3 days"),
        ("customers", {"value": "4"}, "4 customers"),
        ("custom", {"value": "2", "label": "Interviews"}, "2 Interviews"),
    ],
)
def test_the_form_takes_the_unit_that_fits_the_metric(ana, browser_of, metric, fields, shown):
    execution = make_execution(ana)
    browser = browser_of(ana)

    answer = browser.post(logger(execution), form(metric_type=metric, **fields))

    assert f"Logged: {shown}" in browser.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"value": "-7"}, 400, "A value cannot be negative."),
        ({"value": "many"}, 400, "Give the value as a number"),
        ({"metric_type": "custom", "label": ""}, 400, "Say what you counted"),
        ({"metric_type": "karma"}, 400, "Choose revenue"),
        ({"currency": "XXX"}, 400, "Choose a currency"),
        ({"proof": b"<html>"}, 400, "Only JPEG, PNG, WebP, HEIC and PDF"),
        ({"proof": image_bytes() + b"\0" * MAX_BYTES}, 413, "larger than 5 MB"),
    ],
)
def test_what_the_form_refuses_is_said_and_what_was_typed_stays(
    ana, browser_of, fields, status, said
):
    execution = make_execution(ana)
    if "proof" in fields:
        fields = {"proof": SimpleUploadedFile("a.png", fields["proof"])}

    answer = browser_of(ana).post(logger(execution), form(**{"label": "my label", **fields}))

    page = answer.content.decode()
    assert answer.status_code == status
    assert said in page
    assert f'value="{fields.get("value", "1,250.50")}"' in page
    assert 'value="form-1"' in page
    if "proof" in fields:
        assert "choose it again" in page
    assert Outcome.objects.count() == 0
    assert fresh(execution).first_outcome_at is None


def test_the_form_sent_twice_is_one_result(ana, browser_of):
    execution = make_execution(ana)
    browser = browser_of(ana)

    first = browser.post(logger(execution), form())
    second = browser.post(logger(execution), form())

    assert first["Location"] == second["Location"]
    assert Outcome.objects.count() == 1


def test_the_form_needs_its_csrf_token(ana, browser_of):
    execution = make_execution(ana)

    answer = browser_of(ana, enforce_csrf_checks=True).post(logger(execution), form())

    assert answer.status_code == 403
    assert Outcome.objects.count() == 0

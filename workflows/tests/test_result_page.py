"""Correcting a logged result, and taking it back, on its own page without any script."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from workflows.models import Outcome, OutcomeChange, ProofFile
from workflows.services.outcomes import correct_outcome, log_outcome, read_measure, void_outcome
from workflows.storage.inspection import MAX_BYTES
from workflows.tests.builders import fresh, image_bytes, make_execution, pdf_bytes

pytestmark = pytest.mark.django_db


def measure(value="1250.5", currency="USD", metric_type="revenue"):
    return read_measure(metric_type=metric_type, value=value, currency=currency)


@pytest.fixture
def outcome(ana):
    return log_outcome(person=ana, execution=make_execution(ana), measure=measure())[0]


def page_of(outcome):
    return f"/result/{outcome.public_id}"


def form(**fields):
    return {
        "metric_type": "revenue",
        "value": "900",
        "currency": "EUR",
        "time_unit": "hours",
        "label": "",
        "seen": "1",
        **fields,
    }


def kinds():
    return list(OutcomeChange.objects.order_by("pk").values_list("kind", flat=True))


def test_a_persons_own_page_leads_to_each_result(ana, outcome, browser_of):
    page = browser_of(ana).get("/me/").content.decode()

    assert f'href="{page_of(outcome)}"' in page


def test_the_form_shows_the_result_as_it_stands(ana, outcome, browser_of):
    page = browser_of(ana).get(page_of(outcome)).content.decode()

    assert 'value="1250.50"' in page
    assert "<option selected>USD</option>" in page
    assert "$1,250.50" in page


def test_a_correction_is_saved_and_the_history_says_what_was_before(ana, outcome, browser_of):
    browser = browser_of(ana)

    answer = browser.post(page_of(outcome), form(), follow=True)

    row = fresh(outcome)
    page = answer.content.decode()
    assert answer.redirect_chain == [(page_of(outcome), 302)]
    assert (row.value_minor, row.unit, row.is_counted) == (90_000, "EUR", True)
    assert "$1,250.50 became €900.00" in page
    assert kinds() == ["logged", "corrected"]


def test_a_result_of_another_metric_takes_its_unit(ana, outcome, browser_of):
    browser_of(ana).post(
        page_of(outcome), form(metric_type="custom", value="3", label="Interviews")
    )

    row = fresh(outcome)
    assert (row.metric_type, row.unit, row.unit_label) == ("custom", "interviews", "Interviews")
    assert 'value="3"' in browser_of(ana).get(page_of(outcome)).content.decode()


def test_a_proof_can_be_added_and_replaced(ana, outcome, browser_of):
    browser = browser_of(ana)
    browser.post(page_of(outcome), form(proof=SimpleUploadedFile("first.png", image_bytes())))

    browser.post(
        page_of(outcome), form(seen="3", proof=SimpleUploadedFile("second.pdf", pdf_bytes()))
    )

    assert ProofFile.objects.get().original_name == "second.pdf"
    assert kinds() == ["logged", "corrected", "proof_added", "proof_added"]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"value": "-7"}, 400, "A value cannot be negative."),
        ({"value": "many"}, 400, "Give the value as a number"),
        ({"currency": "XXX"}, 400, "Choose a currency"),
        ({"metric_type": "custom", "label": ""}, 400, "Say what you counted"),
        ({"proof": b"<html>"}, 400, "Only JPEG, PNG, WebP, HEIC and PDF"),
        ({"proof": image_bytes() + b"\0" * MAX_BYTES}, 413, "larger than 5 MB"),
        ({"seen": "0"}, 409, "changed in another window"),
        ({"seen": "x"}, 409, "changed in another window"),
    ],
)
def test_what_is_refused_is_said_and_what_was_typed_stays(
    ana, outcome, browser_of, fields, status, said
):
    if "proof" in fields:
        fields = {"proof": SimpleUploadedFile("a.png", fields["proof"])}

    answer = browser_of(ana).post(page_of(outcome), form(**{"label": "my label", **fields}))

    page = answer.content.decode()
    assert answer.status_code == status
    assert said in page
    assert f'value="{fields.get("value", "900")}"' in page
    assert ("choose it again" in page) == ("proof" in fields)
    assert (fresh(outcome).value_minor, kinds()) == (125_050, ["logged"])


def test_a_stale_tab_is_told_and_its_next_try_stands_on_what_it_saw(ana, outcome, browser_of):
    browser = browser_of(ana)
    correct_outcome(outcome=outcome, measure=measure("7"))

    refused = browser.post(page_of(outcome), form())
    seen = re.search(r'name="seen" value="(\d+)"', refused.content.decode())[1]
    browser.post(page_of(outcome), form(seen=seen))

    assert refused.status_code == 409
    assert "$1,250.50 became $7.00" in refused.content.decode()
    assert fresh(outcome).value_minor == 90_000


def test_a_result_is_taken_back_with_its_reason(ana, outcome, browser_of):
    browser = browser_of(ana)

    answer = browser.post(
        f"{page_of(outcome)}/void", {"reason": "logged <b>twice</b>", "seen": "1"}, follow=True
    )

    page = answer.content.decode()
    row = fresh(outcome)
    assert (row.is_void, row.is_counted) == (True, False)
    assert fresh(row.execution).first_outcome_at is None
    assert OutcomeChange.objects.get(kind="voided").after == {"reason": "logged <b>twice</b>"}
    assert "logged &lt;b&gt;twice&lt;/b&gt;" in page
    assert "Save the correction" not in page
    assert "<s>$1,250.50</s>" in browser.get("/me/").content.decode()


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"reason": "  ", "seen": "1"}, 400, "Say in a few words why"),
        ({"reason": "x" * 301, "seen": "1"}, 400, "At most 300 characters"),
        ({"reason": "a slip", "seen": "0"}, 409, "changed in another window"),
    ],
)
def test_taking_back_that_is_refused_changes_nothing_and_keeps_the_reason(
    ana, outcome, browser_of, sent, status, said
):
    answer = browser_of(ana).post(f"{page_of(outcome)}/void", sent)

    page = answer.content.decode()
    assert answer.status_code == status
    assert said in page
    assert f'value="{sent["reason"]}"' in page
    assert (fresh(outcome).is_void, kinds()) == (False, ["logged"])


def test_what_was_taken_back_cannot_be_corrected(ana, outcome, browser_of):
    void_outcome(outcome=outcome)

    answer = browser_of(ana).post(page_of(outcome), form(seen="2"))

    assert answer.status_code == 409
    assert "log it again" in answer.content.decode().lower()
    assert fresh(outcome).value_minor == 125_050


def test_a_result_of_somebody_else_is_not_there(ana, carla, outcome, browser_of, client):
    stranger = browser_of(carla)

    assert stranger.get(page_of(outcome)).status_code == 404
    assert stranger.post(page_of(outcome), form()).status_code == 404
    assert stranger.post(f"{page_of(outcome)}/void", {"reason": "no"}).status_code == 404
    assert client.get(page_of(outcome)).status_code == 302
    assert Outcome.objects.get().value_minor == 125_050
    assert kinds() == ["logged"]


def test_the_api_keeps_the_reason_too(ana, outcome, api_of):
    client = api_of(ana)

    answer = client.delete(f"/api/outcome/{outcome.public_id}", {"reason": "a slip"})

    history = client.get(f"/api/outcome/{outcome.public_id}").json()["history"]
    assert answer.status_code == 200
    assert history[-1]["after"] == {"reason": "a slip"}

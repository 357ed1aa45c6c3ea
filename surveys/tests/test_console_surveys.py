"""The console's pages of surveys: the list, the builder, the try-out, versions and the funnel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Company, User
from core.clock import now
from surveys.models import (
    FunnelCounter,
    Survey,
    SurveyResponse,
    SurveyStatus,
    SurveyVersion,
)
from surveys.services.funding import fund_company
from surveys.services.surveys import (
    change_status,
    current_version,
    update_survey,
)
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]
FORM: dict[str, Any] = {
    "title": "Checkout",
    "objective": "Find where people give up.",
    "description": "",
    "languages": "en, es",
    "max_minutes": "8",
    "currency": "EUR",
    "payment_min": "2.50",
    "payment_max": "10",
    "max_responses": "20",
    "budget": "",
    "consent_text": "",
    "allowed_origins": "https://shop.example.com\n\nhttps://www.example.com",
    "targeting_audience": "new",
    "targeting_device": "all",
    "targeting_percent": "50",
    "targeting_cooldown_days": "7",
    "targeting_url_contains": "/cart",
    "targeting_attributes": "plan = pro, business",
    "retention_days": "30",
    "question": ["7", "3"],
    "q7-text": "Tell me about your last purchase.",
    "q7-kind": "open",
    "q7-max_probes": "1",
    "q7-required": "yes",
    "q3-text": "Which part was hardest?",
    "q3-kind": "choice",
    "q3-max_probes": "0",
    "q3-choices": "Address\nPayment\n",
}


QUERIES = (("", 12), ("surveys/", 5), ("exports/", 5))
"""Of session, user and company three each."""


def post(browser: Client, path: str, **changes: Any) -> Any:
    """Send the builder's form with some fields changed; None leaves a field out."""
    fields = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
    return browser.post(f"/console/{path}", fields)


def text_of(answer: Any) -> str:
    text: str = answer.content.decode()
    return text


def test_a_survey_is_created_as_it_was_typed(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    fund_company(company=acme, amount_minor=1000, currency="EUR")
    answer = post(browser_of(ana), "surveys/new/", do="start")
    survey = Survey.objects.get()
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"/console/surveys/{survey.public_id}/",
    )
    version = current_version(survey)
    assert (survey.company, survey.created_by, survey.status) == (acme, ana, "active")
    assert (survey.currency, survey.budget_minor, survey.max_responses) == ("EUR", 20_000, 20)
    assert (version.payment_min_minor, version.payment_max_minor) == (250, 1000)
    assert survey.allowed_origins == ["https://shop.example.com", "https://www.example.com"]
    assert survey.targeting == {
        "audience": "new",
        "percent": 50,
        "cooldown_days": 7,
        "url_contains": ["/cart"],
        "attributes": {"plan": ["pro", "business"]},
    }
    assert survey.retention_days == 30
    assert (version.languages, version.max_minutes) == (["en", "es"], 8)
    assert [
        (item["text"], item["kind"], item["required"], item["max_probes"], item["choices"])
        for item in version.questions
    ] == [
        ("Tell me about your last purchase.", "open", True, 1, []),
        ("Which part was hardest?", "choice", False, 0, ["Address", "Payment"]),
    ]


def test_enter_or_draft_saves_a_draft(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    assert post(browser_of(ana), "surveys/new/", do="draft").status_code == 302
    assert Survey.objects.get().status == SurveyStatus.DRAFT


def test_a_refused_form_keeps_all_that_was_typed(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    answer = post(
        browser_of(ana),
        "surveys/new/",
        do="start",
        title="",
        payment_max="1",
        max_minutes="soon",
        allowed_origins="https://shop.example.com\nnot a website",
        targeting_percent="900",
        **{"q3-choices": "Only one", "q7-text": "  "},
    )
    assert answer.status_code == 422
    assert not Survey.objects.exists()
    page = text_of(answer)
    form = answer.context["form"]
    assert form.errors["title"] == ["This field may not be empty."]
    assert form.errors["payment_max"] == ["The highest pay may not be below the lowest."]
    assert form.errors["max_minutes"] == ["Give a whole number from 1 to 60."]
    assert form.errors["allowed_origins"] == [
        "Line 2: Use exact origins such as https://shop.example.com, without a path."
    ]
    assert form.errors["targeting_percent"] == ["Give a whole number from 1 to 100."]
    first, second = answer.context["rows"]
    assert first.errors == {"text": ["This field may not be empty."]}
    assert second.errors == {"choices": ["A choice question needs at least two different choices."]}
    for kept in ("soon", "not a website", "900", "Only one", "plan = pro, business", "2.50"):
        assert kept in page
    assert '<option value="choice" selected>' in page


def test_an_empty_form_names_what_is_missing_and_never_fails(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    answer = browser_of(ana).post("/console/surveys/new/", {"do": "start"})
    assert answer.status_code == 422
    assert answer.context["builder"].row_errors == ["Give a list of 1 to 30 questions."]
    assert not Survey.objects.exists()


@pytest.mark.parametrize(
    ("action", "texts"),
    [
        ("add", ["A", "B", "C", ""]),
        ("up:1", ["B", "A", "C"]),
        ("up:0", ["A", "B", "C"]),
        ("down:0", ["B", "A", "C"]),
        ("down:2", ["A", "B", "C"]),
        ("remove:1", ["A", "C"]),
        ("remove:9", ["A", "B", "C"]),
    ],
)
def test_rows_are_changed_without_script(
    acme: Company, ana: User, browser_of: BrowserOf, action: str, texts: list[str]
) -> None:
    rows = {"question": ["0", "1", "2"], "q0-text": "A", "q1-text": "B", "q2-text": "C"}
    answer = post(browser_of(ana), "surveys/new/", do=action, **rows)
    assert answer.status_code == 200
    assert [row.text for row in answer.context["rows"]] == texts
    assert answer.context["form"]["title"].value() == "Checkout"
    assert not Survey.objects.exists()


def test_editing_opens_a_version_and_keeps_the_questions_ids(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme)
    browser = browser_of(ana)
    before = current_version(survey).questions
    page = browser.get(f"/console/surveys/{survey.public_id}/edit/")
    assert [row.text for row in page.context["rows"]] == [item["text"] for item in before]
    answer = post(
        browser,
        f"surveys/{survey.public_id}/edit/",
        do="save",
        version="1",
        budget="150",
        **{"q7-id": before[1]["id"], "q3-id": "q_made_up"},
    )
    assert answer.status_code == 302
    survey.refresh_from_db()
    version = current_version(survey)
    assert (version.number, survey.currency, survey.budget_minor) == (2, "USD", 15_000)
    assert version.questions[0]["id"] == before[1]["id"]
    assert version.questions[1]["id"] not in {"q_made_up", *(item["id"] for item in before)}


def test_saving_the_present_values_changes_nothing(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme, targeting={"percent": 40, "attributes": {"plan": ["pro"]}})
    browser = browser_of(ana)
    page = browser.get(f"/console/surveys/{survey.public_id}/edit/")
    fields: dict[str, Any] = {
        name: page.context["form"][name].value() or "" for name in page.context["form"].fields
    }
    fields.pop("accept_client_transcript")
    fields |= {"version": page.context["version"], "do": "save", "question": ["0", "1"]}
    for number, row in enumerate(page.context["rows"]):
        fields |= {
            f"q{number}-id": row.question_id,
            f"q{number}-text": row.text,
            f"q{number}-kind": row.kind,
            f"q{number}-max_probes": row.max_probes,
            f"q{number}-required": "yes",
        }
    before = list(Survey.objects.values())
    assert browser.post(f"/console/surveys/{survey.public_id}/edit/", fields).status_code == 302
    assert list(Survey.objects.values()) == before
    assert SurveyVersion.objects.count() == 1


def test_a_change_over_somebody_elses_is_held_back(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme)
    update_survey(survey=survey, fields={"title": "Beto's title"})
    answer = post(browser_of(ana), f"surveys/{survey.public_id}/edit/", do="save", version="1")
    assert answer.status_code == 409
    assert "Somebody saved another version" in text_of(answer)
    assert answer.context["version"] == 2
    survey.refresh_from_db()
    assert current_version(survey).title == "Beto's title"
    again = post(browser_of(ana), f"surveys/{survey.public_id}/edit/", do="save", version="2")
    assert again.status_code == 302
    survey.refresh_from_db()
    assert current_version(survey).title == "Checkout"


def test_open_pause_close(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    survey = make_survey(acme)
    browser = browser_of(ana)
    path = f"/console/surveys/{survey.public_id}/status/"
    for wanted, found in (
        ("paused", "paused"),
        ("active", "active"),
        ("draft", "active"),
        ("closed", "closed"),
        ("active", "closed"),
    ):
        assert browser.post(path, {"status": wanted}).status_code == 302
        survey.refresh_from_db()
        assert survey.status == found
    assert browser.get(f"/console/surveys/{survey.public_id}/edit/").status_code == 302
    before = list(SurveyVersion.objects.values())
    assert post(browser, f"surveys/{survey.public_id}/edit/", do="save").status_code == 302
    assert list(SurveyVersion.objects.values()) == before


def test_a_copy_opens_in_the_builder(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    survey = make_survey(acme)
    answer = browser_of(ana).post(f"/console/surveys/{survey.public_id}/duplicate/")
    copy = Survey.objects.exclude(pk=survey.pk).get()
    assert answer["Location"] == f"/console/surveys/{copy.public_id}/edit/"
    assert (copy.status, copy.created_by) == (SurveyStatus.DRAFT, ana)


def test_the_list_narrows_by_status_and_words(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    tea = make_survey(acme, title="Tea <i>time</i>")
    coffee = make_survey(acme, title="Coffee")
    change_status(survey=coffee, status=SurveyStatus.PAUSED)
    browser = browser_of(ana)

    def listed(query: str) -> list[str]:
        return [
            row.public_id for row in browser.get(f"/console/surveys/{query}").context["page"].rows
        ]

    assert listed("") == [coffee.public_id, tea.public_id]
    assert listed("?status=paused") == [coffee.public_id]
    assert listed("?status=nonsense&q=TEA") == [tea.public_id]
    assert listed("?q=milk") == []
    assert "Tea &lt;i&gt;time&lt;/i&gt;" in text_of(browser.get("/console/surveys/"))
    assert "No survey fits" in text_of(browser.get("/console/surveys/?q=milk"))


def test_characters_no_database_takes_are_refused_or_left_out(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme)
    browser = browser_of(ana)
    assert browser.get(f"/console/surveys/{survey.public_id}%00/").status_code == 404
    assert browser.get("/console/surveys/?q=%00x").status_code == 400
    assert browser.get("/console/sessions/?survey=%00&language=%00").status_code == 400
    post(browser, "surveys/new/", do="draft", targeting_url_contains="/ca\x00rt")
    assert Survey.objects.latest("pk").targeting["url_contains"] == ["/cart"]


def test_pages_of_the_list_show_each_survey_once(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    made = [make_survey(acme, funding_minor=0, title=f"S{n}").public_id for n in range(27)]
    browser = browser_of(ana)
    first = browser.get("/console/surveys/?q=S").context["page"]
    second = browser.get(f"/console/surveys/{first.next_url}").context["page"]
    seen = [row.public_id for row in [*first.rows, *second.rows]]
    assert seen == made[::-1]
    assert (len(first.rows), second.next_url, second.first_url) == (25, "", "?q=S")
    for forged in ("x", "MjAyNi0wMS0wMSA5", "//8=", "=" * 9000):
        assert browser.get("/console/surveys/", {"before": forged}).status_code == 200


def test_the_funnel_and_the_cost_of_a_usable_answer(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    first = current_version(survey).questions[0]
    Visitor(survey).answer_all()
    FunnelCounter.objects.create(survey=survey, day=now().date(), step="shown", count=40)
    answer = browser_of(ana).get(f"/console/surveys/{survey.public_id}/")
    steps = {step.label: step.display for step in answer.context["funnel"].steps}
    assert (steps["Shown"], steps["Started"], steps["Done"], steps["Paid"]) == ("40", "1", "1", "1")
    assert steps[f"1. {first['text']}"] == "1"
    assert (answer.context["usable"], answer.context["cost_minor"]) == (1, 1550)
    SurveyResponse.objects.update(is_flagged=True)
    flagged = browser_of(ana).get(f"/console/surveys/{survey.public_id}/")
    assert (flagged.context["usable"], flagged.context["cost_minor"]) == (0, None)


def test_versions_show_what_changed(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    survey = make_survey(acme)
    kept, changed = current_version(survey).questions
    update_survey(
        survey=survey,
        fields={
            "payment_max": 25,
            "questions": [
                {**changed, "text": "Which step slowed you down?"},
                {"text": "What would you change?"},
            ],
        },
    )
    answer = browser_of(ana).get(f"/console/surveys/{survey.public_id}/versions/")
    latest, first = answer.context["versions"]
    assert [(one.kind, one.text) for one in latest.questions] == [
        ("changed", "Which step slowed you down?"),
        ("added", "What would you change?"),
        ("removed", kept["text"]),
    ]
    assert latest.questions[0].before == changed["text"]
    assert latest.fields == (("Pay", "$5.00 to $20.00", "$5.00 to $25.00"),)
    assert (first.fields, {one.kind for one in first.questions}) == ((), {"same"})


def test_a_move_alone_is_called_a_move(acme: Company, ana: User, browser_of: BrowserOf) -> None:
    survey = make_survey(acme)
    update_survey(survey=survey, fields={"questions": current_version(survey).questions[::-1]})
    answer = browser_of(ana).get(f"/console/surveys/{survey.public_id}/versions/")
    assert [one.kind for one in answer.context["versions"][0].questions] == ["moved", "moved"]


def test_the_number_of_queries_does_not_grow_with_the_rows(
    acme: Company,
    ana: User,
    browser_of: BrowserOf,
    evaluator: FixedEvaluator,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    browser = browser_of(ana)
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    for path, count in QUERIES:
        with django_assert_num_queries(count):
            assert browser.get(f"/console/{path}").status_code == 200
    for number in range(4):
        other = make_survey(acme, title=f"Another {number}")
        Visitor(other).answer_all()
    for path, count in QUERIES:
        with django_assert_num_queries(count):
            assert browser.get(f"/console/{path}").status_code == 200


def test_the_pay_preview_follows_what_is_typed(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    answer = post(browser_of(ana), "surveys/new/", do="add", payment_min="5", payment_max="20")
    assert answer.context["curve_pay"] == [
        ("Below 25", 0, 0),
        ("25 to 54", 50, 500),
        ("70", 70, 1100),
        ("85", 85, 1550),
        ("100", 100, 2000),
    ]
    path = answer.context["curve_path"]
    assert path.startswith("M0 100H5V100H10V100H15V100H20V100H25V75H30V75")
    assert path.endswith("H85V22H90V15H95V8H100V0")
    for typed in ("", "much", "-3", "1e9", "99999999999999999999"):
        shown = post(
            browser_of(ana), "surveys/new/", do="add", payment_max=typed, payment_min=typed
        )
        assert shown.status_code == 200


def test_a_draft_has_no_public_page_to_share_yet(
    acme: Company, ana: User, browser_of: BrowserOf
) -> None:
    survey = make_survey(acme, status="draft")
    page = f"/console/surveys/{survey.public_id}/"
    browser = browser_of(ana)

    assert f"/s/{survey.public_id}" not in browser.get(page).content.decode()
    change_status(survey=survey, status=SurveyStatus.ACTIVE, actor=ana)
    assert f"/s/{survey.public_id}" in browser.get(page).content.decode()

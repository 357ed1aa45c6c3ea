"""The administration: everything is there, nothing people said is, and money is only looked at."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from accounts.models import Company, User
from accounts.tests.factories import make_user
from agents.interview.types import FlagKind
from surveys.models import (
    EvaluationRecord,
    Payout,
    PayoutState,
    ResponseState,
    Survey,
    SurveyResponse,
)
from surveys.tests.agent_doubles import FixedEvaluator, use_flags
from surveys.tests.builders import ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db
MODELS = list(apps.get_app_config("surveys").get_models())


@pytest.fixture
def ada(db: None) -> User:
    user = make_user("ada@parley.test")
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    return user


@pytest.fixture
def browser(ada: User) -> Client:
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


def act(browser: Client, model: Any, action: str, row: Any) -> None:
    answer = browser.post(
        reverse(f"admin:surveys_{model._meta.model_name}_changelist"),
        {"action": action, "_selected_action": [row.pk]},
    )
    assert answer.status_code == 302


def test_every_model_is_registered() -> None:
    assert [model.__name__ for model in MODELS if not admin.site.is_registered(model)] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_lists_and_rows_open_and_show_nothing_that_was_said(
    acme: Company,
    evaluator: FixedEvaluator,
    browser: Client,
    model: Any,
) -> None:
    from core.jobs import testing as jobs

    visitor = Visitor(make_survey(acme))
    visitor.answer_all(attributes={"secret": "canary-attribute"})
    jobs.drain()
    name = model._meta.model_name
    pages = [browser.get(reverse(f"admin:surveys_{name}_changelist"))]
    row = model.objects.first()
    if row is not None:
        pages.append(browser.get(reverse(f"admin:surveys_{name}_change", args=[row.pk])))
    for page in pages:
        assert page.status_code == 200
        text = page.content.decode()
        shown = [said for said in (*ANSWERS, "canary-attribute") if said in text]
        assert shown == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_nobody_adds_changes_or_deletes_by_hand(browser: Client, model: Any) -> None:
    registered = admin.site._registry[model]
    request = browser.get(reverse("admin:index")).wsgi_request
    assert not registered.has_add_permission(request)
    assert not registered.has_change_permission(request)
    assert not registered.has_delete_permission(request)


def test_the_actions_go_through_the_services(
    acme: Company,
    evaluator: FixedEvaluator,
    browser: Client,
    ada: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_flags(monkeypatch, FlagKind.SPEEDING)
    survey = make_survey(acme)
    held, refused = Visitor(survey), Visitor(survey)
    held.answer_all()
    use_flags(monkeypatch, FlagKind.SPEEDING)
    refused.answer_all()
    first = Payout.objects.get(response=held.response)
    second = Payout.objects.get(response=refused.response)
    act(browser, Payout, "approve", first)
    act(browser, Payout, "reject", second)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.reviewed_by) == (PayoutState.PAID, ada)
    assert (second.state, second.reviewed_by) == (PayoutState.REJECTED, ada)
    # A second approval is refused with a message, not with an error.
    act(browser, Payout, "approve", first)
    act(browser, SurveyResponse, "rescore", held.response)
    assert EvaluationRecord.objects.filter(response=held.response).count() == 2
    assert Payout.objects.get(pk=first.pk).amount_minor == 1550
    act(browser, SurveyResponse, "erase", held.response)
    assert held.response.state == ResponseState.ERASED
    for action, status in (("pause", "paused"), ("open", "active"), ("close", "closed")):
        act(browser, Survey, action, survey)
        survey.refresh_from_db()
        assert survey.status == status
    act(browser, Survey, "open", survey)
    survey.refresh_from_db()
    assert survey.status == "closed"

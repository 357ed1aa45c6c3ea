"""Who may open which page of the console: every route, every role, another company's ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.console_urls import console_patterns
from accounts.models import Company, Role, User
from accounts.tests.factories import add_member, make_user
from core.models import AuditEvent
from surveys.console.urls import urlpatterns
from surveys.models import InsightReport, LedgerTransaction, Survey, SurveyResponse
from surveys.tests.builders import Visitor, make_survey
from webhooks.console_urls import console_patterns as webhook_patterns

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]

# Route, method, who may besides the owner, and what the owner gets.
ROUTES = [
    ("", "get", "member", 200),
    ("surveys/", "get", "member", 200),
    ("surveys/new/", "get", "member", 200),
    ("surveys/try/", "post", "member", 400),
    ("surveys/<str:survey_id>/", "get", "member", 200),
    ("surveys/<str:survey_id>/edit/", "get", "member", 200),
    ("surveys/<str:survey_id>/status/", "post", "member", 302),
    ("surveys/<str:survey_id>/duplicate/", "post", "member", 302),
    ("surveys/<str:survey_id>/versions/", "get", "member", 200),
    ("surveys/<str:survey_id>/preview/", "get", "member", 200),
    ("surveys/<str:survey_id>/insights/", "get", "member", 200),
    ("surveys/<str:survey_id>/insights/refresh/", "post", "member", 302),
    ("surveys/<str:survey_id>/insights/video/", "post", "member", 302),
    ("sessions/", "get", "member", 200),
    ("sessions/<str:session_id>/", "get", "member", 200),
    ("sessions/<str:session_id>/erase/", "post", "owner", 302),
    ("sessions/<str:session_id>/pay/", "post", "member", 302),
    ("insights/", "get", "member", 200),
    ("review/", "get", "member", 200),
    ("review/<str:session_id>/", "get", "member", 200),
    ("ledger/", "get", "member", 200),
    ("ledger/fund/", "post", "owner", 422),
    ("install/", "get", "member", 200),
    ("exports/", "get", "member", 200),
]
WITH_IDS = [route for route in ROUTES if "<" in route[0]]
OWNERS_ONLY = [route for route in ROUTES if route[2] == "owner"]


@pytest.fixture
def visitor(acme: Company) -> Visitor:
    """Return somebody in the middle of a conversation with Ana's company."""
    visitor = Visitor(make_survey(acme))
    visitor.start()
    return visitor


@pytest.fixture
def otto(acme: Company) -> User:
    """Return an operator of Ana's company."""
    user = make_user("otto@acme.test")
    add_member(acme, user, Role.OPERATOR)
    return user


def address(route: str, visitor: Visitor) -> str:
    filled = route.replace("<str:survey_id>", visitor.survey.public_id)
    return "/console/" + filled.replace("<str:session_id>", visitor.session_id)


def shown(answer: Any) -> str:
    """Return what a page says, without the tokens and ids that differ from one to the next."""
    main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
    return re.sub(r"[a-z0-9]{20,}", "", main)


def state() -> list[Any]:
    """Return everything the routes could change."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Survey, SurveyResponse, LedgerTransaction, InsightReport, AuditEvent)
    ]


def test_the_list_above_has_every_route() -> None:
    # Whose routes are held by the tests of their own app.
    others = [*console_patterns, *webhook_patterns]
    own = {str(entry.pattern) for entry in urlpatterns if entry not in others}
    assert own == {route[0] for route in ROUTES}


@pytest.mark.parametrize(("route", "method", "who", "expected"), ROUTES)
def test_an_owner_opens_everything(
    visitor: Visitor,
    ana: User,
    browser_of: BrowserOf,
    route: str,
    method: str,
    who: str,
    expected: int,
) -> None:
    answer = getattr(browser_of(ana), method)(address(route, visitor))
    assert answer.status_code == expected
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize(("route", "method", "who", "expected"), ROUTES)
def test_a_member_opens_all_but_the_owners_pages(
    visitor: Visitor,
    beto: User,
    browser_of: BrowserOf,
    route: str,
    method: str,
    who: str,
    expected: int,
) -> None:
    before = state()
    answer = getattr(browser_of(beto), method)(address(route, visitor))
    if who == "member":
        assert answer.status_code == expected
    else:
        assert answer.status_code == 404
        assert state() == before


@pytest.mark.parametrize(("route", "method", "who", "expected"), ROUTES)
def test_an_operator_sees_none_of_it(
    visitor: Visitor,
    otto: User,
    browser_of: BrowserOf,
    route: str,
    method: str,
    who: str,
    expected: int,
) -> None:
    before = state()
    answer = getattr(browser_of(otto), method)(address(route, visitor))
    assert answer.status_code == 404
    assert state() == before


@pytest.mark.parametrize(("route", "method", "who", "expected"), WITH_IDS)
def test_another_companys_ids_read_like_none(
    visitor: Visitor,
    globex: Company,
    carla: User,
    browser_of: BrowserOf,
    route: str,
    method: str,
    who: str,
    expected: int,
) -> None:
    browser = browser_of(carla)
    before = state()
    foreign = getattr(browser, method)(address(route, visitor), {"status": "closed"})
    assert foreign.status_code == 404
    assert state() == before
    nothing = re.sub("_[0-9a-z]{26}/", "_" + "0" * 26 + "/", address(route, visitor))
    missing = getattr(browser, method)(nothing)
    assert missing.status_code == 404
    assert shown(foreign) == shown(missing)


@pytest.mark.parametrize(("route", "method", "who", "expected"), ROUTES)
def test_nobody_signed_in_is_sent_to_sign_in(
    visitor: Visitor, browser_of: BrowserOf, route: str, method: str, who: str, expected: int
) -> None:
    before = state()
    answer = getattr(browser_of(), method)(address(route, visitor))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/?next=/console/")
    assert state() == before


def test_somebody_without_a_company_is_sent_to_make_one(vera: User, browser_of: BrowserOf) -> None:
    answer = browser_of(vera).get("/console/")
    assert (answer.status_code, answer["Location"]) == (302, "/account/company/new/")


@pytest.mark.parametrize(
    ("route", "method", "who", "expected"), [route for route in ROUTES if route[1] == "post"]
)
def test_writing_needs_the_csrf_token(
    visitor: Visitor,
    ana: User,
    browser_of: BrowserOf,
    route: str,
    method: str,
    who: str,
    expected: int,
) -> None:
    before = state()
    answer = browser_of(ana, enforce_csrf_checks=True).post(address(route, visitor))
    assert answer.status_code == 403
    assert state() == before


def test_no_list_shows_another_companys_rows(
    visitor: Visitor, globex: Company, carla: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(carla)
    for path in ("", "surveys/", "sessions/", "insights/", "review/", "ledger/", "exports/"):
        page = browser.get(f"/console/{path}").content.decode()
        assert visitor.survey.public_id not in page
        assert visitor.session_id not in page
        assert "Product Experience Feedback" not in page


def test_install_of_a_foreign_survey_is_not_found(
    visitor: Visitor, globex: Company, carla: User, browser_of: BrowserOf
) -> None:
    browser = browser_of(carla)
    query = {"survey": visitor.survey.public_id}
    assert browser.get("/console/install/", query).status_code == 404
    changed = browser.post(
        "/console/install/", {**query, "allowed_origins": "https://evil.example"}
    )
    assert changed.status_code == 404
    visitor.survey.refresh_from_db()
    assert visitor.survey.allowed_origins == []

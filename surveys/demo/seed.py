"""Fills an empty demo, once; a set-up that was cut short goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from accounts.models import Company, Membership, Profile, Role, User
from accounts.services.companies import create_company
from core import clock
from surveys.demo.content import (
    ADMINISTRATOR,
    DEMO_COMPANY,
    DEMO_CURRENCY,
    DEMO_FUNDING_MINOR,
    DEMO_PASSWORD,
    DEMO_SLUG,
    LOGINS,
    MEMBER,
    OPERATOR,
    OWNER,
    DemoLogin,
)
from surveys.demo.conversations import hold_conversation
from surveys.models import FunnelCounter, Survey, SurveyResponse
from surveys.services import appeals, insights
from surveys.services.funding import fund_company
from surveys.services.surveys import create_survey
from surveys.simulation.coffee import ATTACKER, PEOPLE_EN, PEOPLE_ES, SURVEY_EN, SURVEY_ES
from surveys.simulation.respondent import Persona

APPEALING = "Sam"
APPEAL_TEXT = (
    "I answered every question. I had little to say because nothing ever went wrong. Please look "
    "again."
)
FUNNEL_DAYS = 7
# Little more than the answers there are: a funnel of hundreds over three answers looks broken.
SHOWN_A_DAY = (9, 11, 8, 12, 10, 9, 6)
CONSENTED_A_DAY = (1, 2, 1, 2, 1, 1, 1)


def prepare_demo(report: Callable[[str], None]) -> Company:
    """Make the demo company with its people, surveys and answers, as far as they are missing.

    Args:
        report: told in a line what is being made.

    Idempotent: what is there stays as it is, whatever was done to it since.
    """
    company = _prepare_people()
    fund_company(
        company=company,
        amount_minor=DEMO_FUNDING_MINOR,
        currency=DEMO_CURRENCY,
        note="Play money for the demo",
        idempotency_key="demo",
    )
    _prepare_survey(company, SURVEY_EN, (*PEOPLE_EN, ATTACKER), report)
    _prepare_survey(company, SURVEY_ES, PEOPLE_ES, report)
    return company


def _prepare_people() -> Company:
    users = {login.email: _prepare_login(login) for login in LOGINS}
    company = Company.objects.filter(slug=DEMO_SLUG).first()
    if company is None:
        company = create_company(
            name=DEMO_COMPANY, owner=users[OWNER.email], slug=DEMO_SLUG, is_demo=True
        )
    for login, role in ((OWNER, Role.OWNER), (MEMBER, Role.MEMBER), (OPERATOR, Role.OPERATOR)):
        Membership.objects.get_or_create(
            company=company, user=users[login.email], defaults={"role": role}
        )
    return company


def _prepare_login(login: DemoLogin) -> User:
    user = User.objects.filter(email=login.email).first()
    if user is None:
        create = (
            User.objects.create_superuser if login == ADMINISTRATOR else User.objects.create_user
        )
        user = create(login.email, DEMO_PASSWORD, full_name=login.full_name)
    Profile.objects.get_or_create(user=user)
    return user


def _prepare_survey(
    company: Company,
    fields: Mapping[str, Any],
    people: Sequence[Persona],
    report: Callable[[str], None],
) -> None:
    survey = Survey.objects.filter(company=company, versions__title=fields["title"]).first()
    if survey is None:
        survey = create_survey(company=company, fields=fields)
        _prepare_funnel(survey)
    # Each made-up person is known by the place of their answer, so a set-up that was cut short
    # goes on with the one that is missing.
    for index in range(SurveyResponse.objects.filter(survey=survey).count(), len(people)):
        persona = people[index]
        report(f"{fields['title']}: {persona.name} answers")
        days = (len(people) - index) * (FUNNEL_DAYS - 1) / len(people)
        response = hold_conversation(
            survey=survey,
            persona=persona,
            started_at=clock.now() - timedelta(days=days, minutes=11 * index + 13),
        )
        if persona.name == APPEALING:
            appeals.file_appeal(response=response, text=APPEAL_TEXT)
    insights.request_refresh(survey=survey)
    insights.refresh_insights(survey=survey)


def _prepare_funnel(survey: Survey) -> None:
    """Count what a week of a small shop's visitors would have made of the widget."""
    today = clock.now().date()
    counters = []
    for back, (shown, consented) in enumerate(zip(SHOWN_A_DAY, CONSENTED_A_DAY, strict=True)):
        day = today - timedelta(days=len(SHOWN_A_DAY) - 1 - back)
        for step, count in (("shown", shown), ("consented", consented)):
            counters.append(FunnelCounter(survey=survey, day=day, step=step, count=count))
    FunnelCounter.objects.bulk_create(counters, ignore_conflicts=True)

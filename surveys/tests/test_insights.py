"""What a survey taught: totals, themes with exact quotes, refreshes that lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Company
from agents.interview.types import AnswerSample, FlagKind, Insights, Question, Quote
from agents.interview.types import Theme as FoundTheme
from core import clock
from core.ids import new_id
from core.jobs import testing as jobs
from surveys.models import InsightReport, Payout, PayoutState, SurveyResponse, Theme, ThemeMention
from surveys.services import insights
from surveys.tests.agent_doubles import FixedEvaluator, use_flags
from surveys.tests.builders import ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db

ApiOf = Callable[..., APIClient]


class WordAgent:
    """Makes one theme of every answer to the first question, quoting its first ten characters."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[AnswerSample], list[FoundTheme]]] = []
        self.during: Callable[[], None] = lambda: None
        self.shift = 0
        """Moves the quote's text away from its place, as a careless model would."""

    def find_insights(
        self,
        questions: Sequence[Question],
        answers: Sequence[AnswerSample],
        *,
        known: Sequence[FoundTheme],
        language: str,
        deadline_seconds: float,
    ) -> Insights:
        self.calls.append((list(answers), list(known)))
        self.during()
        first = [answer for answer in answers if answer.question_id == questions[0].id]
        if not first:
            return Insights((), (), 0, "early")
        theme = FoundTheme(
            id=known[0].id if known else new_id("theme"),
            question_id=questions[0].id,
            label="What people did",
            key="did",
            session_ids=tuple(answer.session_id for answer in first),
            share=1.0,
            interval_low=0.4,
            interval_high=1.0,
            quotes=tuple(
                Quote(
                    answer.session_id,
                    answer.turn_id,
                    0,
                    10,
                    answer.text[self.shift : 10 + self.shift],
                )
                for answer in first
            ),
        )
        return Insights((f"{len(first)} people",), (theme,), len(first), "early")


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> WordAgent:
    found = WordAgent()
    monkeypatch.setattr("surveys.services.insights.get_insights_agent", lambda: found)
    return found


def shown(client: APIClient, survey: Any) -> dict[str, Any]:
    answer = client.get(f"/survey/{survey.public_id}/insights")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def test_before_the_first_answer(acme: Company, api_of: ApiOf) -> None:
    survey = make_survey(acme)
    assert shown(api_of(acme), survey) == {
        "survey_id": survey.public_id,
        "total_sessions": 0,
        "average_score": None,
        "average_payment": None,
        "currency": "USD",
        "flagged_sessions": 0,
        "sessions_used": 0,
        "key_insights": [],
        "themes": [],
        "confidence": "early",
        "source": "builtin",
        "updated_at": None,
        "is_refreshing": False,
    }


def test_one_answer_gives_insights(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all()
    jobs.drain()
    body = shown(api_of(acme), survey)
    assert (body["total_sessions"], body["average_score"], body["average_payment"]) == (
        1,
        85.0,
        15.5,
    )
    assert body["key_insights"] == ["1 people"]
    (theme,) = body["themes"]
    assert (theme["label"], theme["session_count"]) == ("What people did", 1)
    (quote,) = theme["quotes"]
    assert quote["text"] == ANSWERS[0][:10]
    assert quote["session_id"] == visitor.session_id
    assert body["is_refreshing"] is False


def test_totals_count_flagged_answers_and_themes_leave_them_out(
    acme: Company,
    evaluator: FixedEvaluator,
    agent: WordAgent,
    api_of: ApiOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    use_flags(monkeypatch, FlagKind.SPEEDING)
    evaluator.score = 65
    Visitor(survey).answer_all(OTHER_ANSWERS)
    use_flags(monkeypatch)
    evaluator.score = 10
    Visitor(survey).answer_all(THIRD_ANSWERS)
    jobs.drain()
    body = shown(api_of(acme), survey)
    assert (body["total_sessions"], body["flagged_sessions"], body["sessions_used"]) == (3, 1, 2)
    assert body["average_score"] == round((85 + 65 + 10) / 3, 1)
    # 85 earns 15.50, 65 would earn 9.50 and is held, 10 earns nothing.
    assert body["average_payment"] == 5.17
    assert body["themes"][0]["session_count"] == 2


@pytest.mark.parametrize(
    ("state", "average"),
    [
        (PayoutState.HELD, 7.75),
        (PayoutState.APPROVED, 12.5),
        (PayoutState.SENDING, 12.5),
        (PayoutState.UNCLAIMED, 12.5),
        (PayoutState.PAID, 12.5),
        (PayoutState.REJECTED, 7.75),
        (PayoutState.CANCELLED, 7.75),
        (PayoutState.FAILED, 7.75),
        (PayoutState.REVERSED, 7.75),
    ],
)
def test_the_average_payment_is_of_what_was_promised_or_paid(
    acme: Company,
    evaluator: FixedEvaluator,
    agent: WordAgent,
    api_of: ApiOf,
    state: PayoutState,
    average: float,
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    evaluator.score = 65
    second = Visitor(survey)
    second.answer_all(OTHER_ANSWERS)
    Payout.objects.filter(response=second.response).update(state=state)
    # 15.50 for the first; 9.50 for the second as long as it is promised.
    assert shown(api_of(acme), survey)["average_payment"] == average


def test_refreshes_keep_the_themes_id(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    ids = []
    for answers in (ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS):
        Visitor(survey).answer_all(answers)
        InsightReport.objects.update(refresh_due_at=clock.now())
        jobs.drain(sweeps=True)
        ids.append(shown(api_of(acme), survey)["themes"][0]["theme_id"])
    assert len(set(ids)) == 1
    assert shown(api_of(acme), survey)["themes"][0]["session_count"] == 3
    known = agent.calls[-1][1]
    assert len(known[0].session_ids) == 2
    assert InsightReport.objects.get().version == 3


def test_a_quote_that_does_not_stand_there_is_dropped(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent, api_of: ApiOf
) -> None:
    agent.shift = 3
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    jobs.drain()
    (theme,) = shown(api_of(acme), survey)["themes"]
    assert (theme["session_count"], theme["quotes"]) == (1, [])


def test_an_erased_answer_takes_its_quotes_and_counts_along(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    gone, stays = Visitor(survey), Visitor(survey)
    gone.answer_all()
    stays.answer_all(OTHER_ANSWERS)
    jobs.drain(sweeps=True)
    gone.call("delete", "data", gone.started["receipt_token"])
    # Even before the refresh the words are gone.
    assert ThemeMention.objects.filter(response=gone.response).count() == 0
    assert shown(api_of(acme), survey)["key_insights"] == []
    InsightReport.objects.update(refresh_due_at=clock.now())
    jobs.drain(sweeps=True)
    body = shown(api_of(acme), survey)
    assert body["total_sessions"] == 1
    assert body["themes"][0]["session_count"] == 1
    assert body["themes"][0]["quotes"][0]["text"] == OTHER_ANSWERS[0][:10]


def test_an_answer_erased_while_the_agent_thinks_does_not_come_back(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent, api_of: ApiOf
) -> None:
    survey = make_survey(acme)
    visitor = Visitor(survey)
    visitor.answer_all()

    def erase_meanwhile() -> None:
        agent.during = lambda: None
        visitor.call("delete", "data", visitor.started["receipt_token"])

    agent.during = erase_meanwhile
    insights.refresh_insights(survey=survey)
    assert Theme.objects.count() == 0
    assert InsightReport.objects.get().refresh_due_at is not None


def test_an_answer_that_comes_while_the_agent_thinks_is_not_forgotten(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()

    def another_answer() -> None:
        agent.during = lambda: None
        Visitor(survey).answer_all(OTHER_ANSWERS)

    agent.during = another_answer
    assert insights.refresh_insights(survey=survey)
    assert InsightReport.objects.get().sessions_used == 1
    assert InsightReport.objects.get().refresh_due_at is not None
    InsightReport.objects.update(refresh_due_at=clock.now())
    assert insights.refresh_insights(survey=survey)
    assert InsightReport.objects.get().sessions_used == 2
    assert InsightReport.objects.get().refresh_due_at is None


def test_one_refresh_at_a_time_and_a_late_one_writes_nothing(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    inner: list[bool] = []

    def overtaken() -> None:
        agent.during = lambda: None
        inner.append(insights.refresh_insights(survey=survey))
        InsightReport.objects.update(leased_until=clock.now() - timedelta(seconds=1))
        inner.append(insights.refresh_insights(survey=survey))

    agent.during = overtaken
    assert not insights.refresh_insights(survey=survey)
    assert inner == [False, True]
    assert InsightReport.objects.get().version == 1
    assert Theme.objects.count() == 1


def test_a_lost_nudge_is_found_by_the_sweep(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    jobs.lose_pending()
    jobs.drain(sweeps=True)
    assert InsightReport.objects.get().sessions_used == 1


def test_an_agent_that_breaks_is_asked_again_later(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()

    def breaks() -> None:
        raise RuntimeError("no answer")

    agent.during = breaks
    with pytest.raises(RuntimeError):
        insights.refresh_insights(survey=survey)
    report = InsightReport.objects.get()
    assert report.leased_until is None
    assert report.refresh_due_at is not None
    assert report.refresh_due_at > clock.now()
    agent.during = lambda: None
    InsightReport.objects.update(refresh_due_at=clock.now())
    assert insights.refresh_insights(survey=survey)


def test_many_completions_make_few_refreshes(
    acme: Company, evaluator: FixedEvaluator, agent: WordAgent
) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    jobs.drain()
    InsightReport.objects.update(sessions_used=2000, updated_at=clock.now())
    for _ in range(5):
        insights.request_refresh(survey=survey)
    jobs.drain(sweeps=True)
    assert len(agent.calls) == 1
    due = InsightReport.objects.get().refresh_due_at
    assert due is not None
    assert timedelta(seconds=15) < due - clock.now() <= timedelta(seconds=20)


def test_the_page_costs_the_same_queries_for_any_number_of_answers(
    acme: Company,
    evaluator: FixedEvaluator,
    agent: WordAgent,
    api_of: ApiOf,
    django_assert_num_queries: Any,
) -> None:
    survey = make_survey(acme)
    client = api_of(acme)
    shown(client, survey)
    for answers in (ANSWERS, OTHER_ANSWERS, THIRD_ANSWERS):
        Visitor(survey).answer_all(answers)
    InsightReport.objects.update(refresh_due_at=clock.now())
    jobs.drain(sweeps=True)
    # Key, its last use, survey, totals, report, themes, quotes.
    with django_assert_num_queries(7):
        assert len(shown(client, survey)["themes"][0]["quotes"]) == 3
    assert SurveyResponse.objects.count() == 3

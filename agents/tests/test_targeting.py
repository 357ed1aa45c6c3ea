"""Briefings: order, hints, what is skipped, and what a visitor may read."""

from __future__ import annotations

from typing import Any

import pytest

from agents.interview.targeting.builtin import BuiltinTargetingAgent
from agents.interview.targeting.model import ModelTargetingAgent
from agents.interview.types import (
    Briefing,
    EarlierInsight,
    Question,
    QuestionKind,
    TargetingRequest,
    Visitor,
)
from agents.llm.client import LLMUnavailableError
from agents.tests.models import ScriptedClient

RATING = Question("rate", "How would you rate us?", QuestionKind.RATING)
STORY = Question("story", "Tell me about your last late order.")
PLAN = Question("plan", "What is your plan?", required=False)
WISH = Question("wish", "What would you change?")


def request(*questions: Question, **changes: Any) -> TargetingRequest:
    values: dict[str, Any] = {
        "title": "Your last order",
        "objective": "Find out why late orders lose customers in Leeds",
        "questions": questions,
        "visitor": Visitor(),
        "max_minutes": 10,
    }
    return TargetingRequest(**{**values, **changes})


def brief(*questions: Question, **changes: Any) -> Briefing:
    return BuiltinTargetingAgent().write_briefing(
        request(*questions, **changes), deadline_seconds=1
    )


def ids(briefing: Briefing) -> list[str]:
    return [question.id for question in briefing.questions]


def test_the_authors_order_stands():
    assert ids(brief(STORY, RATING, WISH)) == ["story", "rate", "wish"]


def test_optional_questions_come_last():
    assert ids(brief(PLAN, STORY, WISH)) == ["story", "wish", "plan"]


def test_a_story_comes_before_a_number_asked_first():
    assert ids(brief(RATING, STORY, WISH)) == ["story", "rate", "wish"]


def test_a_question_about_the_number_stays_behind_it():
    why = Question("why", "Why that number?")
    assert ids(brief(RATING, why)) == ["rate", "why"]


def test_questions_are_passed_on_unchanged():
    given = (RATING, STORY, PLAN, WISH)
    assert sorted(brief(*given).questions, key=lambda q: q.id) == sorted(given, key=lambda q: q.id)


@pytest.mark.parametrize(
    ("attributes", "skipped"),
    [
        ({"plan": "pro"}, ("plan",)),
        ({"Plan": "pro"}, ("plan",)),
        ({"plan": "  "}, ()),
        ({"plans": "pro"}, ()),
        ({"story": "x", "late order": "x"}, ()),
        ({}, ()),
    ],
)
def test_a_question_is_skipped_only_on_the_exact_attribute(attributes, skipped):
    briefing = brief(STORY, PLAN, visitor=Visitor(attributes=attributes))
    assert briefing.skip == skipped
    assert ids(briefing) == ["story", "plan"]


def test_a_choice_is_known_only_when_the_value_is_one_of_the_choices():
    plan = Question("p", "Which plan?", QuestionKind.CHOICE, choices=("Free", "Pro"))
    assert brief(STORY, plan, visitor=Visitor(attributes={"plan": "pro"})).skip == ("p",)
    assert brief(STORY, plan, visitor=Visitor(attributes={"plan": "gold"})).skip == ()


def test_not_everything_is_skipped():
    assert brief(PLAN, visitor=Visitor(attributes={"plan": "pro"})).skip == ()


def test_what_a_visitor_reads_holds_size_time_and_rights_and_nothing_private():
    briefing = brief(
        STORY,
        WISH,
        visitor=Visitor(attributes={"segment": "churner"}),
        earlier=(EarlierInsight("story", "riders get lost", 2),),
    )
    assert briefing.visitor_context == (
        "This is a short conversation about “Your last order”. I have 2 questions and it takes "
        "about 3 minutes. You can skip any question, and correct me whenever I get something wrong."
    )
    for secret in ("churner", "riders", "Leeds", "lose customers"):
        assert secret not in briefing.visitor_context


def test_spanish_context_keeps_the_surveys_way_of_address():
    briefing = brief(
        Question("a", "¿Qué cambiarías tú?"), title="Tu pedido", visitor=Visitor(language="es-MX")
    )
    assert briefing.language == "es-MX"
    assert briefing.visitor_context == (
        "Esta es una conversación breve sobre «Tu pedido». Tengo una pregunta y tardaremos más o "
        "menos 2 minutos. Puedes saltar cualquier pregunta y corregirme cuando quieras."
    )


def test_hints_name_thin_themes_and_follow_the_kind():
    briefing = brief(
        STORY,
        RATING,
        Question("none", "Anything else?", max_probes=0),
        earlier=(
            EarlierInsight("story", "riders get lost", 2),
            EarlierInsight("story", "cold food", 9),
        ),
    )
    assert "only listen for it: riders get lost" in briefing.probe_hints["story"]
    assert "already well known: cold food" in briefing.probe_hints["story"]
    assert briefing.probe_hints["rate"].startswith("why")
    assert "none" not in briefing.probe_hints


def test_time_budget_comes_from_the_survey():
    assert brief(STORY, max_minutes=10).max_seconds == 600


GOOD = {
    "purpose": "Understand late orders.",
    "tone": "warm",
    "order": ["wish", "story"],
    "hints": [{"question_id": "story", "hint": "ask what happened next"}],
    "topic": "We would like to hear about your last order",
}


def write(answer: dict[str, Any] | Exception, *questions: Question, **changes: Any) -> Briefing:
    agent = ModelTargetingAgent(ScriptedClient(answer), fallback=BuiltinTargetingAgent())
    return agent.write_briefing(request(*questions, **changes), deadline_seconds=1)


def test_a_model_orders_and_words_but_questions_stay_ours():
    briefing = write(GOOD, STORY, WISH)
    assert briefing.source == "scripted-1"
    assert briefing.questions == (WISH, STORY)
    assert briefing.purpose == "Understand late orders."
    assert briefing.probe_hints["story"] == "ask what happened next"
    assert briefing.probe_hints["wish"] == brief(STORY, WISH).probe_hints["wish"]
    assert briefing.visitor_context.startswith(
        "We would like to hear about your last order. I have"
    )


def test_a_model_cannot_put_an_optional_question_first():
    answer = {**GOOD, "order": ["plan", "story"]}
    assert ids(write(answer, STORY, PLAN)) == ["story", "plan"]


@pytest.mark.parametrize("order", [["story"], ["story", "story"], ["story", "wish", "new"], []])
def test_a_model_may_not_add_drop_or_repeat_questions(order):
    assert write({**GOOD, "order": order}, STORY, WISH) == brief(STORY, WISH)


@pytest.mark.parametrize(
    "topic",
    [
        "Find out why late orders lose customers in Leeds",
        "You are a churner and we noticed",
        "We pay you $20 for this",
        "Are you happy?",
        "<b>Hello</b>",
        "word " * 60,
        "",
    ],
)
def test_what_could_be_private_never_reaches_the_visitor(topic):
    visitor = Visitor(attributes={"segment": "churner"})
    briefing = write({**GOOD, "topic": topic}, STORY, WISH, visitor=visitor)
    assert briefing.visitor_context == brief(STORY, WISH, visitor=visitor).visitor_context


def test_a_model_that_fails_leaves_the_built_in_briefing():
    briefing = write(LLMUnavailableError("late"), STORY, WISH)
    assert briefing == brief(STORY, WISH)
    assert briefing.source == "builtin"

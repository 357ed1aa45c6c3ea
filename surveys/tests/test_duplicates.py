"""The same answer sold twice, found by keyed hashes of its grams, erased ones included."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from django.test import Client, override_settings

from accounts.models import Company, User
from agents.interview.grams import containment
from core.jobs import testing as jobs
from surveys.models import AnswerGram
from surveys.selectors import responses
from surveys.services.duplicates import SKETCH_SIZE, find_sources, grams_of_segments
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import OTHER_ANSWERS, Visitor, make_survey

pytestmark = pytest.mark.django_db

BrowserOf = Callable[..., Client]

LONG = (
    "On Monday morning I had to turn forty interview notes into a summary for my manager before "
    "the ten o'clock meeting, because it decides which supplier we keep for the next two years."
)
SHORT = "It works well and I like it."


def typos(text: str) -> str:
    words = text.split()
    for index in range(4, len(words), 7):
        words[index] = words[index][:-1] + "x"
    return " ".join(words)


def dropped(text: str) -> str:
    return " ".join(word for index, word in enumerate(text.split()) if index % 7 != 3)


def swapped(text: str) -> str:
    words = text.split()
    return " ".join(words[len(words) // 2 :] + words[: len(words) // 2])


def padded(text: str) -> str:
    filler = "Well, let me think about that for a second, it is a good question, honestly. "
    return filler + text + " " + filler


@pytest.mark.parametrize("change", [str, typos, dropped, swapped, padded])
@pytest.mark.parametrize("is_erased", [False, True])
def test_a_copy_is_found_whatever_was_done_to_it(
    acme: Company, evaluator: FixedEvaluator, change: type[str], is_erased: bool
) -> None:
    survey = make_survey(acme)
    first = Visitor(survey)
    first.answer_all((LONG, SHORT))
    if is_erased:
        first.call("delete", "data", first.started["receipt_token"])
        jobs.drain()
        assert not AnswerGram.objects.filter(response__isnull=False).exists()
    result = Visitor(survey).answer_all((change(LONG), SHORT))
    assert result["flags"] == ["duplicate_across_sessions"]
    assert result["payment_status"] == "held"


def test_however_many_copies_there_are_fifty_are_looked_at(
    acme: Company, evaluator: FixedEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def gram_candidates(*args: Any, **given: Any) -> Any:
        asked.append(given["limit"])
        return responses.gram_candidates(*args, **{**given, "limit": 2})

    survey = make_survey(acme)
    for _ in range(3):
        Visitor(survey).answer_all((LONG, SHORT))
    monkeypatch.setattr("surveys.services.duplicates.gram_candidates", gram_candidates)
    last = Visitor(survey)
    assert last.answer_all((LONG, SHORT))["flags"] == ["duplicate_across_sessions"]
    segments = last.session.segments.filter(role="user").order_by("position")
    assert len(find_sources(response=last.response, segments=list(segments))) == 2
    assert set(asked) == {50}


def test_short_answers_are_alike_by_chance(acme: Company, evaluator: FixedEvaluator) -> None:
    survey = make_survey(acme)
    for _ in range(2):
        assert Visitor(survey).answer_all((SHORT, SHORT))["flags"] == []
    assert AnswerGram.objects.count() == 0


def test_another_surveys_answers_are_not_looked_at(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    for _ in range(2):
        assert Visitor(make_survey(acme)).answer_all((LONG, SHORT))["flags"] == []


def test_unrelated_answers_are_never_taken_for_copies(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    draw = random.Random(3)
    common = "the and because with that was when from this they were after before then have had"
    rare = (
        "export meeting courier grinder invoice kitchen notebook supplier garden train battery "
        "window teacher printer contract ticket harbour keyboard bottle ladder summer budget "
        "receipt market engine camera blanket island letter mirror needle office pillow queue "
        "rocket saddle tunnel valley walnut yellow zipper anchor basket candle dinner".split()
    )
    answers = [
        " ".join(draw.choice(common.split() if draw.random() < 0.5 else rare) for _ in range(30))
        for _ in range(40)
    ]
    assert max(containment(*pair) for pair in combinations(answers, 2)) < 0.7
    # Sixteen of them through the product: the index and the sketches let none through either.
    survey = make_survey(acme)
    for first, second in zip(answers[:16:2], answers[1:16:2], strict=True):
        assert Visitor(survey).answer_all((first, second))["flags"] == []


def test_what_is_stored_holds_no_word_and_depends_on_the_key(
    acme: Company, evaluator: FixedEvaluator
) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all((LONG, OTHER_ANSWERS[0]))
    rows = list(AnswerGram.objects.values())
    assert len(rows) == 2 * SKETCH_SIZE
    assert "Monday" not in str(rows)
    segment_ids = [segment.public_id for segment in visitor.session.segments.all()]
    assert not any(segment_id in str(rows) for segment_id in segment_ids)
    segments = list(visitor.session.segments.all())
    before = grams_of_segments(segments)
    with override_settings(SECRET_KEY="another-" * 8):
        after = grams_of_segments(segments)
    assert not set(before[0].grams) & set(after[0].grams)


def test_the_reviewer_reads_the_other_sessions_words_with_the_common_ones_marked(
    acme: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    survey = make_survey(acme)
    first = Visitor(survey)
    first.answer_all((f"{LONG} <b>Bold</b>", SHORT))
    copy = Visitor(survey)
    copy.answer_all((dropped(LONG), OTHER_ANSWERS[1]))

    for page in ("review", "sessions"):
        answer = browser_of(ana).get(f"/console/{page}/{copy.session_id}/")
        (double,) = answer.context["doubles"]
        text = answer.content.decode()
        other = first.session.segments.get(role="user", text__startswith="On Monday")
        assert (double.session_id, double.other_turn_id) == (first.session_id, other.public_id)
        assert "".join(part.text for part in double.parts) == f"{LONG} <b>Bold</b>"
        marked = [part.text for part in double.parts if part.is_evidence]
        assert "On Monday morning" in marked
        assert not any("Bold" in one for one in marked)
        assert '<mark class="evidence">On Monday morning</mark>' in text
        assert "&lt;b&gt;Bold" in text
        assert f"/console/sessions/{first.session_id}/#turn-{other.public_id}" in text


def test_of_an_erased_double_no_word_is_shown_and_of_another_company_none_is_looked_at(
    acme: Company, globex: Company, ana: User, browser_of: BrowserOf, evaluator: FixedEvaluator
) -> None:
    Visitor(make_survey(globex)).answer_all((LONG, SHORT))
    survey = make_survey(acme)
    first, copy = Visitor(survey), Visitor(survey)
    first.answer_all((LONG, SHORT))
    copy.answer_all((typos(LONG), OTHER_ANSWERS[1]))
    first.call("delete", "data", first.started["receipt_token"])
    jobs.drain()

    answer = browser_of(ana).get(f"/console/review/{copy.session_id}/")
    (double,) = answer.context["doubles"]
    assert (double.session_id, double.parts, double.said_at) == ("", (), None)
    assert "had it erased" in answer.content.decode()

"""The built-in evaluator and the checks against rated interviews, attacks and honest controls."""

import time

import pytest

from agents.interview.evaluation.builtin import BuiltinEvaluator
from agents.interview.insights.builtin import BuiltinInsightsAgent
from agents.interview.integrity import content
from agents.interview.integrity.checks import check_integrity
from agents.interview.types import (
    ATTACK_FLAGS,
    AnswerSample,
    EvaluationRequest,
    FlagKind,
    Question,
    Role,
    Turn,
)
from agents.tests.corpora.integrity import (
    empty_bases,
    expected_flag,
    read_attacks,
    read_honest,
    with_empty_answers,
)
from agents.tests.corpora.rated import (
    BLIND,
    DEVELOPMENT,
    SECOND,
    RatedInterview,
    gold_path,
    read_gold,
    read_rated,
    to_band,
    weighted_kappa,
)


def score(request: EvaluationRequest) -> int:
    return BuiltinEvaluator().evaluate(request, deadline_seconds=1).score


def kappa_of(interviews: list[RatedInterview]) -> float:
    return weighted_kappa(
        [to_band(item.rating) for item in interviews],
        [to_band(score(item.request)) for item in interviews],
    )


@pytest.mark.parametrize("path", [DEVELOPMENT, SECOND], ids=["development", "second"])
def test_agrees_with_our_ratings(path):
    assert kappa_of(read_rated(path)) >= 0.85


def test_the_blind_set_agrees_and_its_flags_are_right():
    items = read_rated(BLIND)
    assert len(items) == 40
    assert kappa_of(items) >= 0.8  # 0.729 when it was scored the first time
    found = {
        item.id: {
            flag.kind
            for flag in check_integrity(questions=item.request.questions, turns=item.request.turns)
        }
        for item in items
    }
    # Brochure prose is no offence of its own: "scripted" is said of pasted text, by its timing.
    wanted = {i.id: i.flag for i in items if i.flag and i.flag is not FlagKind.SCRIPTED}
    assert [key for key, flag in wanted.items() if flag not in found[key]] == []
    honest = [item.id for item in items if item.flag is None]
    assert [key for key in honest if found[key] & ATTACK_FLAGS] == []
    assert score(next(item for item in items if item.id == "b19").request) < 25


def test_agrees_with_the_gold_ratings():
    if not gold_path().is_file():
        pytest.skip("The gold interviews are not here; name their folder in GOLD_INTERVIEWS.")
    assert kappa_of(read_gold(gold_path())) >= 0.85


def test_evidence_is_exact_words_of_visitor_turns():
    for item in read_rated(DEVELOPMENT):
        texts = {turn.id: turn.text for turn in item.request.turns if turn.role is Role.USER}
        evaluation = BuiltinEvaluator().evaluate(item.request, deadline_seconds=1)
        for marks in evaluation.questions:
            for mark in marks.marks:
                assert 0 <= mark.value <= 4
                assert mark.evidence
                assert all(quote.quote in texts[quote.turn_id] for quote in mark.evidence)


@pytest.mark.parametrize("role", [None, Role.AGENT])
def test_without_a_visitor_there_is_no_score(role):
    said = () if role is None else (Turn(id="t0", role=role, text="Forty at 8.", at_seconds=1),)
    request = EvaluationRequest(
        questions=(Question(id="q0", text="When?"),), turns=said, language="en"
    )
    evaluation = BuiltinEvaluator().evaluate(request, deadline_seconds=1)
    assert (evaluation.score, evaluation.has_required_evidence) == (0, False)


def test_every_attack_is_flagged_by_its_name():
    cases = read_attacks()
    names = set(
        "prompt_injection low_effort gibberish off_topic echo repetition duplicate_answer "
        "incomplete speeding scripted llm_generated hidden_text forged_role late_turn".split()
    )
    # The one other is seen by comparing with other sessions: surveys/tests/test_duplicates.py.
    assert {kind.value for kind in FlagKind} == names | {"duplicate_across_sessions"}
    assert {case.family for case in cases} == names
    assert len(cases) >= 60
    missed = [
        case.id
        for case in cases
        if expected_flag(case)
        not in {
            flag.kind
            for flag in check_integrity(questions=case.request.questions, turns=case.request.turns)
        }
    ]
    assert missed == []


def test_no_attack_scores_above_its_twin():
    twins = [case for case in read_attacks() if case.twin is not None]
    assert len(twins) >= 60
    assert [c.text for c in twins if c.twin and score(c.request) > score(c.twin)] == []
    # Behind honest work an attack has little to gain; behind nothing it would have all.
    empty = [(c.text, with_empty_answers(c)) for c in twins]
    least = {language: score(empty_twin) for language, empty_twin in empty_bases().items()}
    raised = [text for text, request in empty if score(request) > least[request.language]]
    assert raised == []


def test_honest_people_lose_nothing():
    cases = read_honest()
    assert len(cases) >= 60
    flagged = {
        case.id: {
            flag.kind
            for flag in check_integrity(questions=case.request.questions, turns=case.request.turns)
        }
        for case in cases
    }
    assert [key for key, kinds in flagged.items() if kinds & ATTACK_FLAGS] == []
    # One step of pay is five points.
    assert [c.text for c in cases if c.twin and score(c.request) < score(c.twin) - 5] == []
    assert sum(bool(kinds) for kinds in flagged.values()) <= 0.02 * len(cases)


def test_the_quick_look_never_hides_who_strayed(monkeypatch):
    cases = [case.request for case in (*read_attacks(), *read_honest())]
    with_look = [content.find_off_topic(case.questions, case.turns) for case in cases]

    monkeypatch.setattr(content, "may_have_strayed", lambda texts: True)
    without = [content.find_off_topic(case.questions, case.turns) for case in cases]

    assert with_look == without
    assert sum(flag is not None for flag in without) >= 3


@pytest.mark.parametrize("piece", ["it in the ", '"a ', "1 ", "I Am ", "please give ", "<system "])
def test_hostile_length_does_not_blow_up(piece):
    text = piece * (2_000 // len(piece))
    turns = tuple(
        Turn(id=f"t{n}", role=Role.USER, text=text, at_seconds=20.0 * n) for n in range(100)
    )
    request = EvaluationRequest(
        questions=(Question(id="q0", text="When?"),), turns=turns, language="en"
    )
    started = time.process_time()
    score(request)
    # Ten times what it takes on a quiet machine; squared time would be minutes.
    assert time.process_time() - started < 1.0


HOSTILE_PIECES = [
    "a", "\n", ". ", "!?", "\u0301", "e\u0301\u0301\u0301", "\U0001f469\u200d", "((((", "<|",
    '"role": ', "system: ", "and the ", "my uncle ", "note that the answer ", "send things like ",
    "1,", "A. b", "por que no ", "x" * 5000 + " ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE_PIECES, ids=[repr(p[:12]) for p in HOSTILE_PIECES])
def test_a_turn_of_200_kb_takes_bounded_time(piece):
    text = (piece * (200_000 // len(piece) + 1))[:200_000]
    turns = (
        Turn(id="a0", role=Role.AGENT, text="When? " + text, at_seconds=1.0),
        Turn(id="t0", role=Role.USER, text=text, at_seconds=20.0),
        Turn(id="a1", role=Role.AGENT, text="And the " + text, at_seconds=30.0),
        Turn(id="t1", role=Role.USER, text=text[::-1], at_seconds=90.0),
    )
    questions = (Question(id="q0", text="When?"), Question(id="q1", text="Why then?"))
    request = EvaluationRequest(questions=questions, turns=turns, language="en")
    answers = [
        AnswerSample(session_id=f"s{n}", turn_id=f"t{n}", question_id="q0", text=text)
        for n in range(6)
    ]
    began = time.process_time()
    score(request)
    check_integrity(questions=questions, turns=turns)
    BuiltinInsightsAgent().find_insights(
        questions, answers, known=(), language="en", deadline_seconds=5
    )
    # What takes squared time needs 6 to 49 s here; a quiet machine needs a tenth of this.
    assert time.process_time() - began < 3.0

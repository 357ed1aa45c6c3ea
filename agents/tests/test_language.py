"""Words, stems, sentences and the language of a text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.interview.language import (
    content_words,
    detect_language,
    fold,
    normalise_language,
    sentence_spans,
    sentences,
    stem,
    words,
)


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", ["wait", "waits", "waited", "waiting"]),
        ("en", ["delivery", "deliveries", "delivered", "delivering"]),
        ("en", ["cancel", "cancelled", "cancellation"]),
        ("en", ["substitution", "substitute", "substituted"]),
        ("en", ["stop", "stopped", "stopping"]),
        ("es", ["tarifa", "tarifas"]),
        ("es", ["tardó", "tardan", "tardaron", "tardar"]),
        ("es", ["espera", "esperar", "esperando"]),
        ("es", ["rápida", "rápidamente", "rápidos"]),
        ("es", ["vez", "veces"]),
    ],
)
def test_forms_of_a_word_share_a_stem(language, forms):
    assert len({stem(form, language) for form in forms}) == 1


def test_content_words_leave_function_words_out():
    assert content_words("It was the soup, and it wasn't hot at 9!", "en") == ["soup", "hot", "9"]
    assert content_words("Yo quería ir por un agua", "es") == ["quería", "agua"]


def test_words_keep_accents_and_apostrophes():
    assert words("Ñandú’s don't — no sé.") == ["ñandú's", "don't", "no", "sé"]


def test_sentences():
    assert sentences("Hello Dr. Smith. No. It cost 2.50! Really?\nYes") == [
        "Hello Dr. Smith.",
        "No.",
        "It cost 2.50!",
        "Really?",
        "Yes",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No sé, tardó mucho", "es"),
        ("It took for ever", "en"),
        ("¿Y eso?", "es"),
        ("ok", "en"),
        ("el repartidor fue grosero", "es"),
        ("the driver was rude", "en"),
    ],
)
def test_detect_language(text, language):
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("code", "language"),
    [("es", "es"), ("es-MX", "es"), ("ES_ar", "es"), ("en-GB", "en"), ("fr", "en"), ("", "en")],
)
def test_normalise_language(code, language):
    assert normalise_language(code) == language


def test_fold():
    assert fold("Él preguntó: «¿Qué?»") == "el pregunto: «¿que?»"


@given(st.text(max_size=200))
def test_spans_lie_inside_the_text_in_order(text):
    end_before = 0
    for start, end in sentence_spans(text):
        assert end_before <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        end_before = end


@pytest.mark.parametrize("text", ["." * 300_000, "a. " * 100_000, "a" * 300_000, "'" * 300_000])
def test_long_texts_take_linear_time(text):
    started = time.process_time()
    sentences(text)
    words(text)
    detect_language(text)
    assert time.process_time() - started < 1.5

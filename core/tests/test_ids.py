from __future__ import annotations

import time

import pytest

from core.ids import ALPHABET, is_id, new_id


def test_an_id_has_its_prefix_and_26_characters_of_the_alphabet():
    value = new_id("survey")

    prefix, _, body = value.partition("_")
    assert prefix == "survey"
    assert len(body) == 26
    assert set(body) <= set(ALPHABET)
    assert is_id(value, "survey")


def test_ids_sort_by_time_of_creation():
    first = new_id("session")
    time.sleep(0.003)
    second = new_id("session")

    assert first < second


def test_ids_carry_the_milliseconds_they_were_made_at(monkeypatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_469_922_850_259_000_000)

    body = new_id("x").partition("_")[2]
    # The time part of the example in the ULID specification.
    assert body[:10] == "01arz3ndek"
    number = 0
    for character in body:
        number = number * 32 + ALPHABET.index(character)
    assert number >> 80 == 1_469_922_850_259


def test_a_thousand_ids_differ():
    assert len({new_id("a") for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "value",
    [
        "",
        "survey",
        "survey_",
        "session_01arz3ndektsv4rrffq69g5fav",
        "survey_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "survey_01arz3ndektsv4rrffq69g5fa",
        "survey_01arz3ndektsv4rrffq69g5favv",
        "survey_81arz3ndektsv4rrffq69g5fav",
        "survey_01arz3ndektsv4rrffq69g5fau",
        "survey_01arz3ndektsv4rrffq69g5fav\n",
        None,
        7,
        b"survey_01arz3ndektsv4rrffq69g5fav",
    ],
)
def test_what_is_no_id_of_the_prefix_is_told(value):
    assert is_id(value, "survey") is False


def test_a_well_formed_id_is_told():
    assert is_id("survey_01arz3ndektsv4rrffq69g5fav", "survey") is True


@pytest.mark.parametrize("prefix", ["", "Survey", "a_b", "1a", "a" * 17])
def test_an_unusable_prefix_is_refused(prefix):
    with pytest.raises(ValueError, match="prefix"):
        new_id(prefix)

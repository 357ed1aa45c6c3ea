from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInputError
from workflows.merging import MAX_NOTE_CHARS, Progress, apply_exact, join_notes, merge_forward

TOTAL = 5
NOTES = st.text(alphabet="abcd e", max_size=12)
STEPS = st.integers(min_value=1, max_value=TOTAL)
PROGRESS = st.builds(
    lambda done, notes: apply_exact(Progress(), total_steps=TOTAL, done=done, notes=notes),
    st.sets(STEPS),
    st.dictionaries(STEPS, NOTES),
)


def test_an_exact_change_takes_steps_back_and_leaves_other_notes_alone():
    before = Progress(frozenset({1, 2}), {1: "one", 2: "two"})

    after = apply_exact(before, total_steps=TOTAL, done=[1], notes={2: "", 3: "three"})

    assert after == Progress(frozenset({1}), {1: "one", 3: "three"})


def test_a_bare_change_puts_its_note_to_the_step_that_was_open():
    before = Progress(frozenset({1}), {1: "one"})

    after = merge_forward(before, total_steps=TOTAL, steps_completed=2, note="typed on two")

    assert after == Progress(frozenset({1, 2}), {1: "one", 2: "typed on two"})


def test_a_bare_change_from_an_old_tab_takes_nothing_back():
    before = Progress(frozenset({1, 2, 4}), {2: "long note"})

    assert merge_forward(before, total_steps=TOTAL, steps_completed=1) == before
    assert merge_forward(before, total_steps=TOTAL, note="") == before


@pytest.mark.parametrize(
    ("there", "added", "joined"),
    [
        ("", "new", "new"),
        ("old", "", "old"),
        ("call", "call the bank", "call the bank"),
        ("call the bank", "call", "call the bank"),
        ("mine", "yours", "mine\nyours"),
    ],
)
def test_two_notes_become_one_without_loss(there, added, joined):
    assert join_notes(there, added) == joined


@pytest.mark.parametrize("steps_completed", [-1, 6, 10**9])
def test_steps_out_of_range_are_refused(steps_completed):
    with pytest.raises(InvalidInputError, match="steps 1 to 5"):
        merge_forward(Progress(), total_steps=TOTAL, steps_completed=steps_completed)


@pytest.mark.parametrize("number", [0, -1, 6])
def test_a_step_that_does_not_exist_is_refused(number):
    with pytest.raises(InvalidInputError, match="steps 1 to 5"):
        apply_exact(Progress(), total_steps=TOTAL, done=[number])
    with pytest.raises(InvalidInputError, match="steps 1 to 5"):
        apply_exact(Progress(), total_steps=TOTAL, notes={number: "x"})


def test_a_note_that_is_too_long_is_refused_and_not_cut():
    with pytest.raises(InvalidInputError, match="at most 5000"):
        apply_exact(Progress(), total_steps=TOTAL, notes={1: "x" * (MAX_NOTE_CHARS + 1)})
    full = Progress(frozenset(), {1: "x" * MAX_NOTE_CHARS})
    with pytest.raises(InvalidInputError, match="at most 5000"):
        merge_forward(full, total_steps=TOTAL, note="y")


@given(PROGRESS, st.integers(0, TOTAL) | st.none(), NOTES | st.none())
def test_a_bare_change_never_loses_a_step_or_a_word(before, steps_completed, note):
    after = merge_forward(before, total_steps=TOTAL, steps_completed=steps_completed, note=note)

    assert before.done <= after.done
    for number, text in before.notes.items():
        assert text in after.notes[number]
    again = merge_forward(after, total_steps=TOTAL, steps_completed=steps_completed)
    assert again == after


@given(PROGRESS, PROGRESS)
def test_an_exact_change_is_what_was_asked(before, wanted):
    notes = {number: wanted.notes.get(number, "") for number in range(1, TOTAL + 1)}

    assert apply_exact(before, total_steps=TOTAL, done=wanted.done, notes=notes) == wanted

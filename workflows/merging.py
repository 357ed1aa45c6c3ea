"""How a change of progress is put together with what is there. Pure: no row, no request, no clock.

A change either names exactly what the sender wants, made upon the newest state (`apply_exact`),
or it comes from somebody who does not know the newest state and may therefore only add
(`merge_forward`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from core.errors import InvalidInputError
from core.text import clean_text

MAX_NOTE_CHARS: Final = 5000


@dataclass(frozen=True, slots=True)
class Progress:
    """What is done and noted of a run."""

    done: frozenset[int] = frozenset()
    notes: Mapping[int, str] = field(default_factory=dict)
    """Step number to text; no empty ones."""

    def first_open(self, total_steps: int) -> int:
        """Return the number of the first step that is not done, or of the last one."""
        return next((n for n in range(1, total_steps + 1) if n not in self.done), total_steps)


def apply_exact(
    progress: Progress,
    *,
    total_steps: int,
    done: Iterable[int] | None = None,
    notes: Mapping[int, str] | None = None,
) -> Progress:
    """Return the progress with these done steps and with these notes put in.

    Args:
        progress: the newest state, which the sender has seen.
        total_steps: how many steps the workflow has.
        done: all done steps; None leaves them as they are.
        notes: only the notes that changed; an empty text removes one.

    Raises:
        InvalidInputError: a step that does not exist, or a note that is too long.
    """
    new_done = progress.done if done is None else frozenset(done)
    _check_steps(new_done, total_steps)
    changed = {number: read_note(text) for number, text in (notes or {}).items()}
    _check_steps(changed, total_steps)
    merged = {**progress.notes, **changed}
    return Progress(new_done, {number: text for number, text in sorted(merged.items()) if text})


def merge_forward(
    progress: Progress,
    *,
    total_steps: int,
    steps_completed: int | None = None,
    note: str | None = None,
    notes: Mapping[int, str] | None = None,
) -> Progress:
    """Return the progress with what a sender adds who may not know the newest state.

    Steps are only ever added. A note is joined to what is there unless one holds the other, so
    nothing written before is lost.

    Args:
        progress: the newest state.
        total_steps: how many steps the workflow has.
        steps_completed: the steps 1 to this one are done.
        note: belongs to the first step that was open before this change.
        notes: further notes by step number.

    Raises:
        InvalidInputError: more steps than there are, or a note that would become too long.
    """
    done = progress.done
    if steps_completed is not None:
        if not 0 <= steps_completed <= total_steps:
            raise steps_out_of_range(total_steps)
        done |= frozenset(range(1, steps_completed + 1))
    added = {number: read_note(text) for number, text in (notes or {}).items()}
    _check_steps(added, total_steps)
    if note is not None:
        current = progress.first_open(total_steps)
        added[current] = join_notes(added.get(current, ""), read_note(note))
    merged = dict(progress.notes)
    for number, text in added.items():
        merged[number] = join_notes(merged.get(number, ""), text)
    return Progress(done, {number: text for number, text in sorted(merged.items()) if text})


def join_notes(there: str, added: str) -> str:
    """Return both notes as one; the longer one alone where it holds the other.

    Raises:
        InvalidInputError: together they are too long.
    """
    if added in there:
        return there
    if there in added:
        return added
    joined = f"{there}\n{added}"
    if len(joined) > MAX_NOTE_CHARS:
        raise _note_too_long()
    return joined


def read_note(text: str) -> str:
    """Return a note cleaned of hidden characters.

    Raises:
        InvalidInputError: it is too long.
    """
    if len(text) > MAX_NOTE_CHARS:
        raise _note_too_long()
    return clean_text(text, MAX_NOTE_CHARS).text


def steps_out_of_range(total_steps: int) -> InvalidInputError:
    """Return the refusal of a step that does not exist."""
    return InvalidInputError(
        "steps_out_of_range", f"This workflow has the steps 1 to {total_steps}."
    )


def _check_steps(numbers: Iterable[int], total_steps: int) -> None:
    if any(not 1 <= number <= total_steps for number in numbers):
        raise steps_out_of_range(total_steps)


def _note_too_long() -> InvalidInputError:
    return InvalidInputError(
        "note_too_long", f"A note has at most {MAX_NOTE_CHARS} characters. Nothing was changed."
    )

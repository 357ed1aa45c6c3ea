from __future__ import annotations

import pytest

from core import remembered
from core.remembered import Remembered


@pytest.fixture
def now(monkeypatch):
    moment = [100.0]
    monkeypatch.setattr(remembered, "monotonic", lambda: moment[0])
    return moment


def test_what_was_read_is_read_again_only_when_it_is_old(now):
    asked = []

    def read(key: str) -> str:
        asked.append(key)
        return f"{key}{len(asked)}"

    read_name = Remembered(read, seconds=5.0)

    assert read_name("a") == "a1"
    now[0] += 4.9
    assert read_name("a") == "a1"
    assert read_name("b") == "b2"
    now[0] += 0.2
    assert read_name("a") == "a3"
    assert asked == ["a", "b", "a"]


def test_a_failure_is_not_remembered(now):
    answers = iter([ValueError("gone"), "here"])

    def read(key: int) -> str:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    read_name = Remembered(read)
    with pytest.raises(ValueError, match="gone"):
        read_name(1)

    assert read_name(1) == "here"


def test_all_memories_are_forgotten_at_once(now):
    count = [0]

    def read(key: int) -> int:
        count[0] += 1
        return count[0]

    first, second = Remembered(read), Remembered(read)
    assert (first(1), second(1)) == (1, 2)

    remembered.forget_all()

    assert (first(1), second(1)) == (3, 4)

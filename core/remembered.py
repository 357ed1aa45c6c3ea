"""What a process may remember of rows that hardly ever change, for some seconds.

Only for what is read before every turn or message and may be some seconds old without harm; never
for money, stock, rights or anything a person has just typed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakSet

from core.clock import monotonic

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST = 10_000
_all: WeakSet[Remembered[object, object]] = WeakSet()


class Remembered(Generic[K, V]):
    """Read by key, and remember what was read.

    Args:
        read: asks the database.
        seconds: how old an answer may be.
    """

    def __init__(self, read: Callable[[K], V], *, seconds: float = 5.0) -> None:
        self._read = read
        self._seconds = seconds
        self._known: dict[K, tuple[float, V]] = {}
        _all.add(self)  # type: ignore[arg-type]  # any of them can be cleared

    def __call__(self, key: K) -> V:
        """Return what belongs to the key, at most so many seconds old."""
        now = monotonic()
        known = self._known.get(key)
        if known is not None and now - known[0] < self._seconds:
            return known[1]
        value = self._read(key)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[key] = (now, value)
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()


def forget_all() -> None:
    """Clear every memory of this process: between tests."""
    for one in _all:
        one.clear()

"""Where the apps above hang what must happen together with a conversation's own changes.

Owns the lists of listeners; knows none of them. Listeners register once, in their app's
``ready()``, and are called inside the transaction of the change, so what they write stands or
falls with it. They must be cheap, make no outside call, and may raise to refuse the change where
the list below says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

from sessions.models import TranscriptSegment, VoiceSession

P = ParamSpec("P")


class HookList(Generic[P]):
    """Listeners of one kind of change, called in the order they registered."""

    def __init__(self) -> None:
        self._listeners: list[Callable[P, None]] = []

    def __call__(self, listener: Callable[P, None]) -> Callable[P, None]:
        """Register a listener; usable as a decorator. The same one twice is one."""
        if listener not in self._listeners:
            self._listeners.append(listener)
        return listener

    def remove(self, listener: Callable[P, None]) -> None:
        """Take a listener off the list (for tests)."""
        self._listeners.remove(listener)

    def send(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every listener. The first exception ends the round and the transaction."""
        for listener in self._listeners:
            listener(*args, **kwargs)


on_participation: HookList[[VoiceSession]] = HookList()
"""``(voice_session)``: the person joins, comes back or speaks, before any of it is stored. The
row is locked and not ended. Raise a `ParleyError` to refuse: the person is told its detail."""

on_turn_committed: HookList[[VoiceSession, TranscriptSegment]] = HookList()
"""``(voice_session, segment)``: a segment of either side was stored. Late turns do not count."""

on_session_ended: HookList[[VoiceSession]] = HookList()
"""``(voice_session)``: the conversation has just ended, exactly once; ``end_reason`` says how.
Raising undoes the end, so do not raise for what can be settled later."""

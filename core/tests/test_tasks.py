"""Core's own housekeeping."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from core import clock, tasks
from core.live.events import append_event
from core.live.selectors import last_seq
from core.models import LiveEvent

pytestmark = pytest.mark.django_db


def test_old_live_events_go_and_numbers_go_on(monkeypatch):
    monkeypatch.setattr(tasks, "PRUNE_BATCH", 2)
    with transaction.atomic():
        for _ in range(5):
            append_event(stream="room.one", type="transcript", payload={"text": "old"})
    LiveEvent.objects.update(created_at=clock.now() - timedelta(days=7, minutes=1))
    with transaction.atomic():
        append_event(stream="room.one", type="transcript", payload={"text": "new"})

    tasks.prune_old_events()

    assert list(LiveEvent.objects.values_list("seq", flat=True)) == [6]
    assert last_seq("room.one") == 6

"""One thread keeps all leases of a process alive, and none longer than the work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from core import clock, lease
from core.lease_keeper import LeaseKeeper
from messaging.models import BusinessNumber, Contact, Conversation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conversations(acme):
    number = BusinessNumber.objects.create(company=acme, phone_number_id="1", display_number="1")
    made = []
    for phone in ("521", "522"):
        contact = Contact.objects.create(company=acme, phone=phone)
        made.append(Conversation.objects.create(number=number, contact=contact))
    return made


def until_true(check: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def renewal(found, fence: int, *, seconds: float) -> Callable[[], bool]:
    return lambda: lease.renew(found, fence=fence, seconds=seconds)


def test_a_lease_outlives_its_time_while_the_work_goes_on(conversations):
    keeper = LeaseKeeper()
    held = [Conversation.objects.filter(pk=one.pk) for one in conversations]
    fences = [lease.claim(one, owner="me", seconds=1.0) for one in held]
    first_until = [one.get().leased_until for one in held]

    with (
        keeper.keep(renewal(held[0], fences[0], seconds=1.0), every_seconds=0.1),
        keeper.keep(renewal(held[1], fences[1], seconds=1.0), every_seconds=0.1),
    ):
        for one, before in zip(held, first_until, strict=True):
            until_true(lambda one=one, before=before: one.get().leased_until > before)
        assert sum(thread.name == "lease-keeper" for thread in threading.enumerate()) >= 1
        assert lease.claim(held[0], owner="other", seconds=1.0) is None

    last = held[0].get().leased_until
    time.sleep(0.4)
    assert held[0].get().leased_until == last


def test_whoever_lost_the_lease_does_not_get_it_back(conversations):
    keeper = LeaseKeeper()
    found = Conversation.objects.filter(pk=conversations[0].pk)
    fence = lease.claim(found, owner="me", seconds=1.0)
    found.update(leased_until=clock.now())
    with keeper.keep(renewal(found, fence, seconds=5.0), every_seconds=0.1):
        other = lease.claim(found, owner="other", seconds=60.0)
        until = found.get().leased_until
        time.sleep(0.5)
        assert (found.get().fence, found.get().leased_until) == (other, until)


def test_work_that_is_over_before_a_renewal_wakes_nobody(monkeypatch):
    keeper = LeaseKeeper()
    woken: list[str] = []
    with keeper.keep(lambda: True, every_seconds=60.0):
        until_true(lambda: keeper._wakes_at < float("inf"))
    monkeypatch.setattr(keeper._changed, "notify", lambda: woken.append("notified"))

    for _ in range(3):
        with keeper.keep(lambda: True, every_seconds=60.0):
            pass

    assert woken == []
    with keeper.keep(lambda: True, every_seconds=0.1):
        assert woken == ["notified"]

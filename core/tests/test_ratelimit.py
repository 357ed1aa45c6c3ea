from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import RequestFactory

from core import ratelimit
from core.errors import RateLimitedError
from core.lockout import login_ip
from core.models import RateCounter
from core.ratelimit import client_ip, client_ip_of_scope, hash_address, hit, limit_key


def hit_five(key="1.2.3.4", **changes):
    hit(**{"scope": "survey.start", "key": key, "limit": 5, "window_seconds": 60, **changes})


@pytest.mark.django_db
def test_the_limit_passes_and_the_next_is_refused_with_the_time_to_wait():
    for _ in range(5):
        hit_five()

    with pytest.raises(RateLimitedError) as refused:
        hit_five()

    assert refused.value.status == 429
    assert refused.value.code == "rate_limited"
    assert 55 <= refused.value.retry_after_seconds <= 60


@pytest.mark.django_db
def test_another_key_scope_or_window_counts_for_itself():
    for _ in range(5):
        hit_five()

    hit_five(key="5.6.7.8")
    hit_five(scope="survey.turn")
    hit_five(window_seconds=3600)


@pytest.mark.django_db
def test_a_limit_of_zero_refuses_all():
    with pytest.raises(RateLimitedError):
        hit_five(limit=0)


@pytest.mark.django_db
def test_a_new_window_starts_after_the_old_one():
    for _ in range(5):
        hit_five(window_seconds=0.3)
    time.sleep(0.35)

    hit_five(window_seconds=0.3)


@pytest.mark.django_db(transaction=True)
def test_of_32_threads_no_more_than_the_limit_pass():
    barrier = threading.Barrier(32)

    def passes(number):
        barrier.wait()
        passed = 0
        try:
            for _ in range(3):
                try:
                    hit_five(limit=20)
                    passed += 1
                except RateLimitedError:
                    continue
        finally:
            connection.close()
        return passed

    with ThreadPoolExecutor(32) as pool:
        counts = list(pool.map(passes, range(32)))

    assert sum(counts) == 20


@pytest.mark.django_db
def test_the_store_shows_neither_address_nor_account(settings):
    settings.REDIS_URL = ""

    hit_five(key="203.0.113.77")

    (row,) = RateCounter.objects.all()
    assert row.scope == "survey.start"
    assert len(row.key_digest) == 64
    assert "203.0.113.77" not in str(vars(row))


@pytest.mark.django_db
def test_ended_windows_are_purged_and_running_ones_stay(settings):
    settings.REDIS_URL = ""
    hit_five(key="old", window_seconds=0.01)
    hit_five(key="new")
    time.sleep(0.02)

    assert ratelimit.purge_counters() == 1
    assert ratelimit.purge_counters() == 0
    assert RateCounter.objects.count() == 1


@pytest.mark.django_db
def test_without_redis_answering_the_database_counts(settings):
    # Nothing listens on port 1.
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    for _ in range(5):
        hit_five()

    with pytest.raises(RateLimitedError):
        hit_five()
    settings.REDIS_URL = ""


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, None, "10.0.0.9"),
        (0, "1.1.1.1", "10.0.0.9"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 172.16.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "10.0.0.9"),
        (1, None, "10.0.0.9"),
        (1, "nonsense", "10.0.0.9"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "::ffff:1.2.3.4", "1.2.3.4"),
        (1, "2001:DB8:0:0::1", "2001:db8::1"),
    ],
)
def test_only_trusted_proxies_say_who_the_client_is(settings, proxies, forwarded, address):
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.9", headers=headers)
    scope = {
        "client": ("10.0.0.9", 5000),
        "headers": [(b"x-forwarded-for", forwarded.encode())] if forwarded else [],
    }

    assert client_ip(request) == address
    assert client_ip_of_scope(scope) == address


def test_a_client_without_an_address_is_unknown_and_can_still_sign_in():
    request = RequestFactory().get("/", REMOTE_ADDR="")

    assert client_ip_of_scope({"client": None, "headers": []}) == "unknown"
    assert client_ip(request) == "unknown"
    assert login_ip(request) is None
    assert login_ip(RequestFactory().get("/", REMOTE_ADDR="1.2.3.4")) == "1.2.3.4"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_an_ipv6_customer_is_counted_as_a_whole(address, key):
    assert limit_key(address) == key


def test_a_hashed_address_needs_the_secret_key(settings):
    first = hash_address("1.2.3.4")
    settings.SECRET_KEY = "another" * 8

    assert len(first) == 64
    assert hash_address("1.2.3.4") != first

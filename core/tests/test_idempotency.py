from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from core import idempotency
from core.errors import ConflictError, InvalidInputError, UnprocessableError
from core.idempotency import StoredAnswer, hash_body, read_key, run_idempotent
from core.models import IdempotencyRecord, IdempotencyState


class Work:
    """Counts how often it was called."""

    def __init__(self, answer=None, error=None):
        self.calls = 0
        self.answer = answer or StoredAnswer(201, {"id": "txn_1", "amount": 15.5, "note": "é"})
        self.error = error

    def __call__(self):
        self.calls += 1
        if self.error:
            raise self.error
        return self.answer


def run(work, **changes):
    request = {
        "tenant": "company_a",
        "key": "k-1",
        "method": "POST",
        "path": "/survey/create",
        "body_sha256": hash_body(b"{}"),
        **changes,
    }
    return run_idempotent(call=work, **request)


@pytest.mark.django_db
def test_a_repeat_gets_the_stored_answer_and_nothing_runs_again():
    work = Work()

    first = run(work)
    second = run(work)

    assert work.calls == 1
    assert (first.status, first.body, first.replayed) == (201, work.answer.body, False)
    assert (second.status, second.body, second.replayed) == (201, work.answer.body, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [{"body_sha256": hash_body(b"[]")}, {"path": "/survey/other"}, {"method": "PATCH"}],
)
def test_the_key_of_another_request_is_refused(change):
    work = Work()
    run(work)

    with pytest.raises(UnprocessableError) as refused:
        run(work, **change)

    assert refused.value.code == "idempotency_key_reused"
    assert refused.value.status == 422
    assert work.calls == 1


@pytest.mark.django_db
def test_the_same_key_of_another_tenant_is_another_request():
    work = Work()

    run(work)
    run(work, tenant="company_b")

    assert work.calls == 2


@pytest.mark.django_db
def test_an_error_frees_the_key():
    with pytest.raises(InvalidInputError):
        run(Work(error=InvalidInputError("bad", "No.")))

    work = Work()
    assert run(work).replayed is False
    assert work.calls == 1


@pytest.mark.django_db
def test_a_refusal_is_kept_and_a_failure_of_ours_is_not():
    refused = Work(StoredAnswer(409, {"code": "budget_exhausted"}))
    run(refused)
    assert run(refused) == StoredAnswer(409, {"code": "budget_exhausted"}, replayed=True)
    assert refused.calls == 1

    failed = Work(StoredAnswer(503, {}))
    run(failed, key="k-2")
    run(failed, key="k-2")
    assert failed.calls == 2


@pytest.mark.django_db
def test_a_repeat_while_the_first_is_being_answered_is_told_so():
    inner = Work()

    def outer():
        with pytest.raises(ConflictError) as refused:
            run(inner)
        assert refused.value.code == "idempotency_key_in_use"
        return StoredAnswer(200, {})

    run(outer)

    assert inner.calls == 0


@pytest.mark.django_db
def test_the_key_of_a_process_that_died_is_free_after_a_minute():
    now = datetime.now(UTC)
    work = Work()
    with time_machine.travel(now, tick=False):

        def dies():
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(dies)
        # What kill -9 leaves: a claimed key and nobody to free it.
        IdempotencyRecord.objects.create(
            tenant="company_a",
            key_digest="d" * 64,
            method="POST",
            path="/survey/create",
            body_sha256=hash_body(b"{}"),
            locked_until=now + timedelta(seconds=60),
            created_at=now,
        )
        IdempotencyRecord.objects.update(key_digest=hashlib.sha256(b"k-1").hexdigest())
        with pytest.raises(ConflictError):
            run(work)
    with time_machine.travel(now + timedelta(seconds=61), tick=False):
        assert run(work).replayed is False
        assert run(work).replayed is True

    assert work.calls == 1


@pytest.mark.django_db
def test_a_late_process_does_not_overwrite_the_answer_of_the_one_that_took_over():
    now = datetime.now(UTC)

    def slow():
        with time_machine.travel(now + timedelta(seconds=61), tick=False):
            run(lambda: StoredAnswer(200, {"by": "second"}))
        return StoredAnswer(200, {"by": "first"})

    with time_machine.travel(now, tick=False):
        run(slow)
        assert run(Work()).body == {"by": "second"}


@pytest.mark.django_db
def test_a_key_is_forgotten_after_a_day():
    now = datetime.now(UTC)
    work = Work()
    with time_machine.travel(now, tick=False):
        run(work)
    with time_machine.travel(now + timedelta(hours=24, seconds=1), tick=False):
        run(work, body_sha256=hash_body(b"new"))
        assert idempotency.purge_records() == 0

    assert work.calls == 2
    with time_machine.travel(now + timedelta(hours=49), tick=False):
        assert idempotency.purge_records() == 1


@pytest.mark.django_db(transaction=True)
def test_of_twenty_at_once_one_runs():
    barrier = threading.Barrier(20)
    lock = threading.Lock()
    calls, outcomes = [], []

    def work():
        with lock:
            calls.append(1)
        return StoredAnswer(200, {"n": len(calls)})

    def attempt():
        try:
            barrier.wait()
            outcomes.append(run(work).body["n"])
        except ConflictError:
            outcomes.append("in use")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(calls) == 1
    assert len(outcomes) == 20
    assert set(outcomes) <= {1, "in use"}
    assert IdempotencyRecord.objects.get().state == IdempotencyState.COMPLETED


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ('"quoted"', "quoted"),
        (r'"a\"b"', 'a"b'),
        ("  spaced  ", "spaced"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_key_is_taken_bare_or_quoted(raw, key):
    assert read_key({"Idempotency-Key": raw}) == key


def test_no_header_is_no_key():
    assert read_key({}) == ""


@pytest.mark.parametrize("raw", ["", '""', "two words", "é", "x" * 256, "a\x00b"])
def test_an_unusable_key_is_refused(raw):
    with pytest.raises(InvalidInputError) as refused:
        read_key({"Idempotency-Key": raw})

    assert refused.value.code == "idempotency_key_invalid"

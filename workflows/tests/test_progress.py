from __future__ import annotations

import threading

import pytest
from django.db import connection
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from accounts.tests.factories import make_user
from core.errors import ConflictError
from workflows.models import ClientOperation, Execution
from workflows.services.executions import complete_execution
from workflows.services.progress import Change, StaleRevisionError, save_progress
from workflows.tests.builders import fresh, make_execution

pytestmark = pytest.mark.django_db


def url(execution):
    return f"/api/execution/{execution.public_id}/progress"


def test_the_bare_form_answers_where_the_run_stands(ana, api_of):
    execution = make_execution(ana)

    answer = api_of(ana).put(url(execution), {"steps_completed": 2, "notes": "Ben has the list"})

    body = answer.json()
    assert answer.status_code == 200
    assert {
        name: body[name]
        for name in ("rev", "status", "steps_completed", "current_step", "total_steps")
    } == {
        "rev": 2,
        "status": "in_progress",
        "steps_completed": 2,
        "current_step": 3,
        "total_steps": 5,
    }
    assert body["step"]["number"] == 3
    assert fresh(execution).step_notes == {"1": "Ben has the list"}


def test_the_bare_form_never_goes_back(ana, api_of):
    execution = make_execution(ana)
    client = api_of(ana)
    client.put(url(execution), {"steps_completed": 4, "notes": ""})

    body = client.put(url(execution), {"steps_completed": 1, "notes": ""}).json()

    assert (body["steps_completed"], body["rev"]) == (4, 2)


def test_an_exact_change_may_take_a_tick_back(ana, api_of):
    execution = make_execution(ana)
    client = api_of(ana)
    client.put(url(execution), {"rev": 1, "steps_done": [1, 2], "client_op_id": "a"})

    body = client.put(
        url(execution),
        {"rev": 2, "steps_done": [1], "step_notes": {"2": "wait"}, "client_op_id": "b"},
    ).json()

    assert (body["steps_done"], body["step_notes"], body["rev"]) == ([1], {"2": "wait"}, 3)
    trail = ClientOperation.objects.order_by("rev").values_list("done_steps", flat=True)
    assert list(trail) == [[1, 2], [1]]


def test_a_stale_change_is_refused_with_the_newest_state(ana, api_of):
    execution = make_execution(ana)
    client = api_of(ana)
    client.put(url(execution), {"rev": 1, "steps_done": [1], "step_notes": {"1": "phone"}})

    answer = client.put(url(execution), {"rev": 1, "steps_done": [3]})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "execution_changed")
    assert problem["execution"]["rev"] == 2
    assert problem["execution"]["steps_done"] == [1]
    assert problem["execution"]["step_notes"] == {"1": "phone"}
    assert fresh(execution).done_steps == [1]


def test_the_same_operation_sent_again_changes_nothing(ana, api_of):
    execution = make_execution(ana)
    client = api_of(ana)
    change = {"rev": 1, "steps_done": [1], "client_op_id": "op-1"}

    first = client.put(url(execution), change)
    second = client.put(url(execution), change)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["rev"] == second.json()["rev"] == 2
    assert ClientOperation.objects.count() == 1


def test_an_operation_id_belongs_to_its_run(ana, api_of):
    one, other = make_execution(ana), make_execution(ana)
    client = api_of(ana)
    change = {"rev": 1, "steps_done": [1], "client_op_id": "op-1"}

    client.put(url(one), change)
    body = client.put(url(other), change).json()

    assert body["steps_done"] == [1]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"steps_completed": 6, "notes": ""}, 400, "steps_out_of_range"),
        ({"steps_completed": -1}, 400, "invalid_input"),
        ({"steps_completed": "2"}, 400, "invalid_input"),
        ({"steps_completed": True}, 400, "invalid_input"),
        ({"steps_completed": 10**30}, 400, None),
        ({"rev": 1, "steps_done": [0]}, 400, "steps_out_of_range"),
        ({"rev": 1, "steps_done": [6]}, 400, "steps_out_of_range"),
        ({"rev": 1, "steps_done": ["1"]}, 400, "invalid_input"),
        ({"rev": 1, "steps_done": list(range(60))}, 400, "invalid_input"),
        ({"steps_done": [1]}, 422, "rev_missing"),
        ({"rev": 0, "steps_done": [1]}, 400, "invalid_input"),
        ({"rev": 99, "steps_done": [1]}, 409, "execution_changed"),
        ({"rev": 1, "step_notes": {"9": "x"}}, 400, "steps_out_of_range"),
        ({"rev": 1, "step_notes": {"one": "x"}}, 400, "invalid_input"),
        ({"rev": 1, "step_notes": {"1": 5}}, 400, "invalid_input"),
        ({"rev": 1, "step_notes": {"1": "x" * 5001}}, 400, "note_too_long"),
        ({"notes": "x" * 5001}, 400, "note_too_long"),
        ({"notes": ["x"]}, 400, "invalid_input"),
        ({"rev": 1, "steps_done": [1], "client_op_id": "no spaces"}, 400, "invalid_input"),
        ([], 400, None),
    ],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(ana, api_of, body, status, code):
    execution = make_execution(ana)

    answer = api_of(ana).put(url(execution), body)

    assert answer.status_code == status
    assert code is None or answer.json()["code"] == code
    row = fresh(execution)
    assert (row.rev, row.done_steps, row.step_notes) == (1, [], {})


def test_an_ended_run_takes_no_change_and_says_where_it_stands(ana, api_of):
    execution = make_execution(ana)
    client = api_of(ana)
    client.put(url(execution), {"steps_completed": 5, "notes": ""})
    complete_execution(execution=execution)

    answer = client.put(url(execution), {"rev": 3, "steps_done": [1]})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "execution_ended")
    assert problem["execution"]["status"] == "completed"
    assert fresh(execution).done_steps == [1, 2, 3, 4, 5]


def test_a_note_keeps_its_lines_and_loses_hidden_characters(ana, api_of):
    execution = make_execution(ana)

    body = (
        api_of(ana)
        .put(
            url(execution),
            {
                "rev": 1,
                "step_notes": {"1": "<b>one</b>\r\ntwo\N{ZERO WIDTH SPACE}\N{PARTY POPPER}"},
            },
        )
        .json()
    )

    assert body["step_notes"] == {"1": "<b>one</b>\ntwo\N{PARTY POPPER}"}


def test_the_device_of_the_last_change_is_known(ana, api_of):
    execution = make_execution(ana)

    api_of(ana).put(
        url(execution),
        {"steps_completed": 1},
        HTTP_USER_AGENT="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Mobile/15E148",
    )

    assert fresh(execution).last_device == "Phone"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_saw_the_same_revision_one_wins():
    execution = make_execution(make_user())
    results = []
    gate = threading.Barrier(6)

    def save(number):
        gate.wait()
        try:
            save_progress(execution=execution, change=Change(rev=1, steps_done=[number]))
            results.append(number)
        except StaleRevisionError:
            results.append(0)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(number % 5 + 1,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    winners = [number for number in results if number]
    assert len(winners) == 1
    assert (fresh(execution).rev, fresh(execution).done_steps) == (2, winners)


STEPS = st.integers(1, 5)
WORDS = st.sampled_from(["call Ben", "ask", "price 20", "ready", "later"])


class TwoDevices(RuleBasedStateMachine):
    """Two pages work on one run as the page's script does; neither loses what the other did."""

    def __init__(self):
        super().__init__()
        self.execution = make_execution(make_user())
        self.seen = {"laptop": (1, frozenset()), "phone": (1, frozenset())}
        self.notes = set()
        self.done = set()
        self.rev = 1
        self.sent = 0

    def put(self, device, **fields):
        """Send upon the revision this device saw; on a refusal put the change to the newest."""
        self.sent += 1
        rev, base = self.seen[device]
        fields = {"step_notes": {}, **fields}
        wanted = fields.pop("toggle", None)
        done = base ^ {wanted} if wanted else base
        try:
            row = self.save(rev, done, fields)
        except StaleRevisionError as stale:
            newest = frozenset(stale.execution.done_steps)
            if wanted:
                is_done = wanted in done
                done = newest | {wanted} if is_done else newest - {wanted}
            else:
                done = newest
            row = self.save(stale.execution.rev, done, fields)
        if wanted:
            (self.done.add if wanted in done else self.done.discard)(wanted)
        self.seen[device] = (row.rev, frozenset(row.done_steps))

    def save(self, rev, done, fields):
        change = Change(
            rev=rev, steps_done=sorted(done), client_op_id=f"op-{self.sent}-{rev}", **fields
        )
        row = save_progress(execution=self.execution, change=change)
        again = save_progress(execution=self.execution, change=change)
        assert again.rev == row.rev
        return row

    @rule(device=st.sampled_from(["laptop", "phone"]), step=STEPS)
    def tick(self, device, step):
        self.put(device, toggle=step)

    @rule(device=st.sampled_from(["laptop", "phone"]), step=STEPS, word=WORDS)
    def note(self, device, step, word):
        text = fresh(self.execution).step_notes.get(str(step), "")
        joined = text if word in text else f"{text} {word}".strip()
        self.put(device, step_notes={step: joined})
        self.notes.add((step, word))

    @rule(count=st.integers(0, 5), word=WORDS)
    def send_bare(self, count, word):
        before = fresh(self.execution)
        save_progress(execution=self.execution, change=Change(steps_completed=count, note=word))
        self.done |= set(range(1, count + 1))
        self.notes.add((before.current_step, word))

    @rule()
    def cannot_complete_early(self):
        if len(self.done) < 5:
            with pytest.raises(ConflictError):
                complete_execution(execution=self.execution)

    @invariant()
    def nothing_is_lost(self):
        row = Execution.objects.get(pk=self.execution.pk)
        assert set(row.done_steps) == self.done
        assert row.done_steps == sorted(row.done_steps)
        for step, word in self.notes:
            assert word in row.step_notes[str(step)]
        assert row.rev >= self.rev
        self.rev = row.rev


TwoDevices.TestCase.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)


class TestTwoDevices(TwoDevices.TestCase, TestCase):
    pass

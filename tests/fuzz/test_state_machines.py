"""Whatever people do, in whatever order: a survey's session, a run on two devices, a video.

All through HTTP and the jobs, as a browser would; money has a machine of its own
(``surveys/tests/test_payouts_machine.py``).
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from rest_framework.test import APIClient

from accounts.tests.factories import make_company, make_user
from agents.video.models import RUN_TRANSITIONS, RunState, VideoRun
from agents.video.services import runs
from agents.video.services.scripts import create_video_session
from core import ratelimit
from core.errors import ParleyError
from core.tests.machines import RolledBackMachine, walk
from surveys.models import EvaluationRecord, Payout, SurveyResponse
from surveys.models.responses import RESPONSE_TRANSITIONS, ResponseState
from surveys.selectors.ledger_check import verify_ledger
from surveys.tests.builders import ANSWERS, Visitor, make_survey, slow_down
from workflows.models import EXECUTION_TRANSITIONS, Execution, ExecutionState
from workflows.selectors.catalogue import workflow_for

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1"))
STEPS = 20
FINE = range(200, 500)


class Machine(RolledBackMachine):
    """A world with one company in it."""

    def __init__(self) -> None:
        super().__init__()
        self.owner = make_user()
        self.company = make_company("Acme", owner=self.owner)

    def client_of(self, user: Any) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client


class SurveyMachine(Machine):
    """One visitor and one company, a survey between them."""

    def __init__(self) -> None:
        super().__init__()
        self.survey = make_survey(self.company)
        self.visitor = Visitor(self.survey)
        self.visitor.start()
        self.turns = 0
        self.seen: list[str] = []
        self.result: dict[str, Any] | None = None
        self.company_client = self.client_of(self.owner)

    def ask(self, method: str, action: str, body: Any = None, *, receipt: bool = False) -> Any:
        name = "receipt_token" if receipt else "session_token"
        answer = self.visitor.call(method, action, self.visitor.started[name], body)
        assert answer.status_code in FINE, (action, answer.status_code, answer.content[:200])
        return answer

    @rule()
    def join(self) -> None:
        self.ask("post", "join")

    @rule(number=st.integers(0, 1), again=st.booleans())
    def say(self, number: int, again: bool) -> None:
        self.turns += not again
        body = {"client_id": f"turn-{self.turns}", "text": ANSWERS[number]}
        self.ask("post", "turns", body)
        slow_down(self.visitor.session)

    @rule(action=st.sampled_from(["pause", "resume"]))
    def clock(self, action: str) -> None:
        self.ask("post", action)

    @rule()
    def done(self) -> None:
        answer = self.ask("post", "complete", {})
        if answer.status_code == 200:
            scored = {key: answer.json().get(key) for key in ("score", "payment_amount")}
            assert self.result is None or scored == self.result
            self.result = scored

    @rule()
    def appeal(self) -> None:
        self.ask("post", "appeal", {"text": "Please look again."}, receipt=True)

    @rule()
    def read(self) -> None:
        self.ask("get", "result", receipt=True)
        self.ask("get", "data", receipt=True)

    @rule(chance=st.integers(0, 4))
    def erase(self, chance: int) -> None:
        if chance == 0:
            self.ask("delete", "data", receipt=True)

    @rule(chance=st.integers(0, 3))
    def stop(self, chance: int) -> None:
        if chance == 0:
            token = self.visitor.started["session_token"]
            answer = self.visitor.client.delete(
                f"/session/{self.visitor.session_id}", HTTP_AUTHORIZATION=f"Bearer {token}"
            )
            assert answer.status_code in FINE

    @rule(action=st.sampled_from(["approve", "reject"]))
    def review(self, action: str) -> None:
        payout = Payout.objects.filter(response=self.visitor.response).first()
        if payout is not None:
            path = f"/console/payouts/{payout.public_id}/{action}/"
            assert self.company_client.post(path, {"reason": "Seen."}).status_code in FINE

    @rule(action=st.sampled_from(["pause", "resume"]))
    def survey_status(self, action: str) -> None:
        path = f"/survey/{self.survey.public_id}/{action}"
        assert self.company_client.post(path).status_code in FINE

    @invariant()
    def the_books_are_right(self) -> None:
        assert verify_ledger() == []

    @invariant()
    def one_answer_one_payout_one_paying_score(self) -> None:
        response = self.visitor.response
        assert SurveyResponse.objects.count() == 1
        assert Payout.objects.filter(response=response).count() <= 1
        assert EvaluationRecord.objects.filter(response=response, is_paying=True).count() <= 1
        payout = Payout.objects.filter(response=response).first()
        assert payout is None or 500 <= payout.amount_minor <= 2000

    @invariant()
    def states_only_step_where_they_may(self) -> None:
        state = str(self.visitor.response.state)
        if self.seen and self.seen[-1] != state:
            reachable, edge = set(), {ResponseState(self.seen[-1])}
            while edge:
                reachable |= edge
                edge = {one for known in edge for one in RESPONSE_TRANSITIONS[known]} - reachable
            assert state in reachable, (self.seen, state)
        self.seen.append(state)


class ExecutionMachine(Machine):
    """One person with a laptop and a phone, each of which may be behind the other."""

    def __init__(self) -> None:
        super().__init__()
        self.devices = [self.client_of(self.owner), self.client_of(self.owner)]
        workflow = workflow_for(self.owner, "resume_generator")
        answer = self.devices[0].post("/api/execution", {"workflow_name": workflow.name})
        assert answer.status_code == 201, answer.content
        self.row = Execution.objects.get()
        self.known = [self.row.rev, self.row.rev]
        self.total = self.row.total_steps
        self.rev, self.state = self.row.rev, str(self.row.state)
        self.notes: dict[str, str] = {}

    def ask(self, device: int, action: str, body: Any = None, method: str = "post") -> Any:
        path = f"/api/execution/{self.row.public_id}/{action}"
        answer = getattr(self.devices[device], method)(path, body or {})
        assert answer.status_code in FINE, (action, answer.status_code, answer.content[:300])
        return answer

    @rule(device=st.integers(0, 1), steps=st.sets(st.integers(0, 9)))
    def tick(self, device: int, steps: set[int]) -> None:
        body = {"rev": self.known[device], "steps_done": sorted(steps)}
        before = Execution.objects.get().rev
        answer = self.ask(device, "progress", body, method="put")
        if answer.status_code == 200:
            assert self.known[device] == before
            assert Execution.objects.get().done_steps == sorted(steps)

    @rule(device=st.integers(0, 1), step=st.integers(1, 9), text=st.sampled_from(["a", "b", ""]))
    def note(self, device: int, step: int, text: str) -> None:
        body = {"rev": self.known[device], "step_notes": {str(step): text}}
        self.ask(device, "progress", body, method="put")

    @rule(device=st.integers(0, 1))
    def look(self, device: int) -> None:
        answer = self.devices[device].get(f"/api/execution/{self.row.public_id}")
        assert answer.status_code == 200
        self.known[device] = answer.json()["rev"]

    @rule(
        device=st.integers(0, 1),
        action=st.sampled_from(["pause", "resume", "heartbeat", "complete", "abandon"]),
    )
    def act(self, device: int, action: str) -> None:
        self.ask(device, action)

    @invariant()
    def revisions_rise_and_ends_are_final(self) -> None:
        row = Execution.objects.get()
        assert row.rev >= self.rev
        if str(row.state) != self.state:
            assert row.state in EXECUTION_TRANSITIONS[ExecutionState(self.state)]
            assert row.rev > self.rev
        assert (row.ended_at is None) == row.is_open
        assert row.done_steps == sorted(set(row.done_steps))
        assert all(1 <= step <= self.total for step in row.done_steps)
        if row.state == ExecutionState.COMPLETED:
            assert row.version.required_steps <= set(row.done_steps)
        self.rev, self.state = row.rev, str(row.state)


class VideoMachine(Machine):
    """One video whose worker comes, dies, comes again, or is called off."""

    def __init__(self) -> None:
        super().__init__()
        scenes = [{"kind": "title", "heading": "A", "narration": "Words."}]
        self.video = create_video_session(
            owner=self.owner, company=self.company, title="Film", scenes=scenes
        )
        self.held: list[Any] = []
        self.states: dict[int, str] = {}

    def attempt(self, step: Any) -> Any:
        try:
            with transaction.atomic():
                return step()
        except ParleyError:
            return None

    @rule()
    def start(self) -> None:
        self.attempt(lambda: runs.start_run(owner=self.owner, session_id=self.video.public_id))

    @rule(worker=st.sampled_from(["one", "two"]))
    def claim(self, worker: str) -> None:
        run = VideoRun.objects.order_by("-pk").first()
        if run is not None:
            held = self.attempt(lambda: runs.claim_run(run_id=run.public_id, worker=worker))
            if held is not None:
                self.held.append(held)

    @rule(number=st.integers(0, 5))
    def beat(self, number: int) -> None:
        if self.held:
            # A worker that lost its run is told so, and changes nothing by trying.
            self.attempt(lambda: runs.beat(self.held[number % len(self.held)]))

    @rule()
    def worker_dies(self) -> None:
        VideoRun.objects.filter(state=RunState.RUNNING).update(
            leased_until="2020-01-01T00:00:00Z", heartbeat_at="2020-01-01T00:00:00Z"
        )
        self.attempt(runs.sweep_due_runs)

    @rule(number=st.integers(0, 5))
    def fail(self, number: int) -> None:
        if self.held:
            held = self.held[number % len(self.held)]
            self.attempt(lambda: runs.settle_run(held, error="broken", reason="It broke."))

    @rule()
    def cancel(self) -> None:
        run = VideoRun.objects.order_by("-pk").first()
        if run is not None:
            self.attempt(lambda: runs.request_cancel(owner=self.owner, run_id=run.public_id))

    @invariant()
    def one_run_is_open_and_ends_are_final(self) -> None:
        rows = list(VideoRun.objects.order_by("pk"))
        assert sum(row.is_open for row in rows) <= 1
        attempts = [row.attempt for row in rows if row.attempt]
        assert len(attempts) == len(set(attempts))
        for row in rows:
            before = self.states.get(row.pk)
            if before is not None and before != row.state and not RUN_TRANSITIONS[RunState(before)]:
                raise AssertionError((before, row.state))
            assert row.is_open == (row.ended_at is None)
            self.states[row.pk] = str(row.state)


@pytest.mark.parametrize(
    ("machine", "walks"), [(SurveyMachine, 4), (ExecutionMachine, 10), (VideoMachine, 40)]
)
def test_every_walk_keeps_the_rules(
    machine: Any, walks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ratelimit, "hit", lambda **kwargs: None)
    walk(machine, examples=EXAMPLES * walks, steps=STEPS)

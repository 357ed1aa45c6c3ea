"""Server time of ``start`` and ``complete`` with agents that take none.

Everything but the agents is real: the whole request through Django's handler and middleware,
SQLite on disk (or DATABASE_URL), reservation, integrity checks, the look for duplicates over all
earlier sessions, ledger and payout. The targeting agent and the evaluator answer at once; a second
pair of rows shows the built-in ones. Run ``python benchmarks/start_complete.py`` (``--quick``).
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
LIMIT_MS = 15.0

COMMON = (
    "the and because with that was when from this they were after before then have had for our "
    "about which could would their week month morning time people one two"
).split()


def make_answer(draw: random.Random) -> str:
    """Return 30 words of an answer: half common ones, half rare ones made of syllables."""
    syllables = "ka lo mi tre san du per ol en ri fu gat ble nor si tu ma che von ir".split()

    def rare() -> str:
        return "".join(draw.choice(syllables) for _ in range(draw.randint(2, 4)))

    return " ".join(draw.choice(COMMON) if draw.random() < 0.5 else rare() for _ in range(30))


def prepare(folder: str) -> None:
    """Set the environment and make an empty database in a folder of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.update(
        PARLEY_ENV_FILE="",
        DATA_DIR=folder,
        SECRET_KEY=secrets.token_urlsafe(50),
        ALLOWED_HOSTS="testserver",
        SECURE_SSL_REDIRECT="false",
        JOBS_MODE="inline",
        LOG_STREAM="none",
        SURVEY_STARTS_PER_IP_HOUR="1000000",
        SURVEY_STARTS_PER_SURVEY_MINUTE="1000000",
        DAILY_PAY_CAP_MINOR="2000000000",
    )
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)


def zero_delay_agents() -> tuple[Any, Any]:
    """Return a targeting agent and an evaluator that answer at once."""
    from agents.interview.types import (
        Briefing,
        Dimension,
        Evaluation,
        EvaluationRequest,
        Evidence,
        Mark,
        QuestionMarks,
        Role,
        TargetingRequest,
    )

    class Targeting:
        def write_briefing(self, request: TargetingRequest, *, deadline_seconds: float) -> Briefing:
            return Briefing("p", request.questions, {}, (), "calm", "en", 600, "")

    class Evaluator:
        def evaluate(self, request: EvaluationRequest, *, deadline_seconds: float) -> Evaluation:
            said = next(turn for turn in request.turns if turn.role is Role.USER)
            mark = Mark(Dimension.COVERAGE, 3, (Evidence(said.id, said.text[:12]),))
            marks = tuple(QuestionMarks(question.id, (mark,)) for question in request.questions)
            return Evaluation(85, marks, True, "Clear.", "bench-1")

    return Targeting, Evaluator


class Took(NamedTuple):
    """How long a request took: by the clock, and of the processor."""

    wall_ms: float
    processor_ms: float


class Bench:
    """A funded company with one survey, and visitors who come one after the other."""

    def __init__(self) -> None:
        from django.test import Client

        from accounts.models import Company
        from surveys.services.funding import fund_company
        from surveys.services.surveys import create_survey

        company = Company.objects.create(name="Bench", slug=secrets.token_hex(6), is_demo=True)
        fund_company(company=company, amount_minor=2_000_000_000, currency="USD")
        questions = [
            {"text": text, "max_probes": 0}
            for text in ("What happened?", "What went well?", "What did not?", "What would help?")
        ]
        self.survey = create_survey(
            company=company,
            fields={
                "title": "Bench",
                "questions": questions,
                "payment_min": 5,
                "payment_max": 20,
                "max_responses": 100_000,
                "budget": 2_000_000,
            },
        )
        self.client = Client()
        self.draw = random.Random(7)  # the same answers at every run

    def call(self, path: str, body: dict[str, Any], token: str = "") -> tuple[dict[str, Any], Took]:
        """Send a request; return its answer and how long the server took, in milliseconds."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        began = time.perf_counter(), time.thread_time()
        answer = self.client.post(path, body, content_type="application/json", headers=headers)
        took = Took((time.perf_counter() - began[0]) * 1000, (time.thread_time() - began[1]) * 1000)
        if answer.status_code not in (200, 201):
            raise SystemExit(f"{path}: {answer.status_code} {answer.content[:300]!r}")
        return answer.json(), took

    def visit(self) -> tuple[Took, Took]:
        """Play one visitor; return the times of start and complete."""
        from sessions.models import VoiceSession
        from surveys.tests.builders import slow_down

        started, start_ms = self.call(
            f"/survey/{self.survey.public_id}/session/start",
            {"publishable_key": self.survey.publishable_key, "consent": True},
        )
        path = f"/session/{started['session_id']}"
        token = started["session_token"]
        for number in range(4):
            text = make_answer(self.draw)
            self.call(f"{path}/turns", {"client_id": f"t{number}", "text": text}, token)
        slow_down(VoiceSession.objects.get(public_id=started["session_id"]))
        done, complete_ms = self.call(f"{path}/complete", {}, token)
        if done["status"] != "completed":
            raise SystemExit(f"the answer was not completed: {done}")
        return start_ms, complete_ms


def measure(bench: Bench, visits: int) -> tuple[list[Took], list[Took]]:
    """Return the times of all visits after a few that warm up."""
    for _ in range(3):
        bench.visit()
    times = [bench.visit() for _ in range(visits)]
    return [start for start, _ in times], [complete for _, complete in times]


def count_statements(bench: Bench) -> dict[str, int]:
    """Return how many statements one start, one turn and one complete ask the database."""
    from django.db import connection

    counted: dict[str, int] = {}
    call = bench.call

    def counting_call(path: str, *arguments: Any) -> tuple[dict[str, Any], Took]:
        seen: list[str] = []

        def note(execute: Any, sql: str, *rest: Any) -> Any:
            seen.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            answer = call(path, *arguments)
        counted[path.rpartition("/")[2]] = len(seen)
        return answer

    with patch.object(bench, "call", counting_call):
        bench.visit()
    return counted


def show(name: str, times: list[Took]) -> float:
    """Print one row; return the median of the processor time."""
    wall = sorted(took.wall_ms for took in times)
    processor = statistics.median(took.processor_ms for took in times)
    p95 = wall[min(len(wall) - 1, int(len(wall) * 0.95))]
    print(
        f"{name:<30} {statistics.median(wall):>9.1f} {p95:>9.1f} {wall[0]:>9.1f} {processor:>9.1f}"
    )
    return processor


def main() -> int:
    """Run and print; 1 when a median with zero-delay agents is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30 visits instead of 150.")
    visits = 30 if parser.parse_args().quick else 150
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        prepare(folder)
        from surveys.services import evaluation, starts

        print(
            f"machine: {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, {visits} visits"
        )
        print(f"{'server time, ms':<30} {'median':>9} {'p95':>9} {'min':>9} {'processor':>9}")
        targeting, evaluator = zero_delay_agents()
        with (
            patch.object(starts, "get_targeting_agent", targeting),
            patch.object(evaluation, "get_evaluator", evaluator),
        ):
            start, complete = measure(Bench(), visits)
        slowest = max(
            show("start, zero-delay agents", start), show("complete, zero-delay agents", complete)
        )
        builtin = Bench()
        start_builtin, complete_builtin = measure(builtin, visits)
        show("start, built-in agents", start_builtin)
        show("complete, built-in agents", complete_builtin)
        statements = count_statements(builtin)
    print(
        "statements, the begin and end of transactions included: "
        + ", ".join(f"{name} {statements[name]}" for name in ("start", "turns", "complete"))
    )
    print(
        f"limit {LIMIT_MS:.0f} ms of processor time at the median: "
        f"{'met' if slowest <= LIMIT_MS else 'missed'} ({slowest:.1f} ms)"
    )
    return 0 if slowest <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())

"""Kill processes with SIGKILL between the steps of `complete` and look at what is left.

Each case starts a survey conversation, completes it in a process that dies at one point, lets a
second process recover that may die at a point too, and lets a third finish. Then exactly one
evaluation, one payout and one transfer at the provider must be there, and nothing that was said
may be missing.

The crashing is all in here: the points are wrapped around the product's own functions inside the
child processes. Run as ``python -m tests.crash.runner [--repeats 3] [--quick]``; DATABASE_URL
chooses the database, by default a SQLite file in a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.crash.processes import (
    NO_CRASH,
    Outcome,
    after,
    die,
    fork,
    load_product,
    make_tables,
    server_apart,
    wait,
)
from tests.fakes.stripe_server import StripeServer

POINTS = {
    "ended": "the conversation has ended, nothing is scored",
    "evaluator": "while the evaluator works",
    "assessed": "scored, nothing written",
    "record_saved": "in the settling transaction, evaluation written",
    "payout_saved": "in the settling transaction, payout and ledger written",
    "before_commit": "at the end of the settling transaction",
    "committed": "settled, nobody was answered",
    "provider_accepted": "the provider has accepted, our row does not know",
}
MODES = ("client", "worker", "both")
SCORE = 85
AMOUNT_MINOR = 1550
ANSWERS = (
    "On Monday I waited eleven minutes because the machine was broken again.",
    "I went to the cafe across the street and paid four dollars instead.",
)
CASE_SECONDS = 30.0


@dataclass
class Case(Outcome):
    """One run: where the first and second process die, and who finishes."""

    first: str
    second: str
    mode: str
    session_id: str = ""


def settings_of(stripe_url: str) -> dict[str, str]:
    """Return the variables of a product that pays through the fake provider."""
    return {
        "PAYOUT_PROVIDER": "stripe",
        "STRIPE_SECRET_KEY": "sk_test_crash",
        "STRIPE_API_BASE": stripe_url,
    }


# --- the world -------------------------------------------------------------------------------


def make_case_rows(case: Case, stripe_url: str) -> None:
    """Create a funded survey and an open conversation with two answers."""
    from core import clock
    from sessions.models import SegmentRole, SegmentSource, SessionStatus, TranscriptSegment
    from surveys.tests.money_world import (
        connect_account,
        make_paid_company,
        make_response,
        make_survey,
    )

    response = make_response(make_survey(make_paid_company(funds_minor=10_000), budget=10_000))
    conversation = response.voice_session
    conversation.status = SessionStatus.ACTIVE
    conversation.started_at = clock.now()
    conversation.save(update_fields=["status", "started_at"])
    for position, text in enumerate(("What happened last time?", *ANSWERS), start=1):
        is_agent = position == 1
        TranscriptSegment.objects.create(
            voice_session=conversation,
            position=position,
            role=SegmentRole.AGENT if is_agent else SegmentRole.USER,
            source=SegmentSource.AGENT if is_agent else SegmentSource.TYPED,
            text=text,
        )
    reference = connect_account(response.wallet)
    request = urllib.request.Request(f"{stripe_url}/test/accounts/{reference}", method="POST")
    urllib.request.urlopen(request, timeout=5).close()
    case.session_id = conversation.public_id


# --- the processes that die ------------------------------------------------------------------


class FixedEvaluator:
    """Score everything alike, at once."""

    def __init__(self, *, is_deadly: bool) -> None:
        self.is_deadly = is_deadly

    def evaluate(self, request: Any, *, deadline_seconds: float) -> Any:
        """Return the fixed score."""
        from surveys.tests.money_world import make_evaluation

        if self.is_deadly:
            die()
        return make_evaluation(SCORE)


def arm(point: str) -> None:
    """Make this process die at the point; shorten leases so that recovery need not wait."""
    from surveys.payments.stripe import StripeProvider
    from surveys.services import completion, evaluation, payouts, sending

    evaluation.LEASE_SECONDS = 0.25
    sending.LEASE_SECONDS = 0.25
    sending.RETRY_BASE_SECONDS = 0.05
    evaluation.get_evaluator = lambda: FixedEvaluator(is_deadly=point == "evaluator")
    evaluation.check_integrity = lambda **_: ()
    targets = {
        "ended": (completion, "_end_as_done"),
        "assessed": (evaluation, "_assess"),
        "record_saved": (evaluation, "_write_record"),
        "payout_saved": (payouts, "create_payout"),
        "before_commit": (evaluation, "_settle"),
        "committed": (evaluation, "evaluate_claimed"),
        "provider_accepted": (StripeProvider, "send"),
    }
    if point in targets:
        owner, name = targets[point]
        setattr(owner, name, after(getattr(owner, name)))


def complete_and_send(session_id: str) -> None:
    """Do what a client does: press Done until there is a result; the worker sends beside it."""
    from sessions.models import VoiceSession
    from surveys.services import completion, sending

    conversation = VoiceSession.objects.get(public_id=session_id)
    while not completion.complete_response(voice_session=conversation).is_ready:
        pass
    send_until_paid(session_id, sending.send_due)


def recover(session_id: str) -> None:
    """Do what the worker's sweeps do, for as long as it takes; nobody presses anything."""
    from surveys.models import SurveyResponse
    from surveys.services import evaluation, sending

    ends_at = time.monotonic() + CASE_SECONDS
    while time.monotonic() < ends_at:
        response = SurveyResponse.objects.get(voice_session__public_id=session_id)
        if response.state == "completed":
            send_until_paid(session_id, sending.send_due)
            return
        if session_id in evaluation.due_session_ids():
            evaluation.evaluate_due(response=response)
        time.sleep(0.02)


def send_until_paid(session_id: str, send_due: Callable[[], int]) -> None:
    """Run the sending job until the payout is settled."""
    from surveys.models import Payout

    ends_at = time.monotonic() + CASE_SECONDS
    while time.monotonic() < ends_at:
        send_due()
        if Payout.objects.filter(
            response__voice_session__public_id=session_id, state="paid"
        ).exists():
            return
        time.sleep(0.02)


def begin(work: Callable[[str], None], session_id: str, point: str) -> int:
    """Start a process that does the work and dies at the point; return its id."""

    def armed() -> None:
        arm(point)
        work(session_id)

    return fork(armed)


def run_case(case: Case, stripe_url: str) -> None:
    """Crash, recover with another crash, finish, and check."""
    make_case_rows(case, stripe_url)
    wait(case, begin(complete_and_send, case.session_id, case.first), "the first process")
    second = recover if case.mode == "worker" else complete_and_send
    wait(case, begin(second, case.session_id, case.second), "the second process")
    works = {
        "client": [complete_and_send],
        "worker": [recover],
        "both": [complete_and_send, recover, complete_and_send],
    }[case.mode]
    for process in [begin(work, case.session_id, NO_CRASH) for work in works]:
        wait(case, process, "a last process")
    case.problems += check_case(case, stripe_url)


# --- what must hold --------------------------------------------------------------------------


def check_case(case: Case, stripe_url: str) -> list[str]:
    """Return what is lost or doubled."""
    from sessions.models import TranscriptSegment
    from surveys.models import EvaluationRecord, Payout, SurveyResponse

    response = SurveyResponse.objects.get(voice_session__public_id=case.session_id)
    payouts = list(Payout.objects.filter(response=response))
    said = TranscriptSegment.objects.filter(
        voice_session=response.voice_session, role="user"
    ).order_by("position")
    found = {
        "state": response.state,
        "score": response.score,
        "stored result": response.result is not None,
        "evaluations": EvaluationRecord.objects.filter(response=response).count(),
        "payouts": [(one.state, one.amount_minor) for one in payouts],
        "said": tuple(said.values_list("text", flat=True)),
        "transfers": [
            made["amount"] for one in payouts for made in transfers_of(stripe_url, one.public_id)
        ],
    }
    expected = {
        "state": "completed",
        "score": SCORE,
        "stored result": True,
        "evaluations": 1,
        "payouts": [("paid", AMOUNT_MINOR)],
        "said": ANSWERS,
        "transfers": [AMOUNT_MINOR],
    }
    return [
        f"{name}: {found[name]!r} instead of {expected[name]!r}"
        for name in expected
        if found[name] != expected[name]
    ]


def transfers_of(stripe_url: str, payout_id: str) -> list[dict[str, Any]]:
    """Return what the provider has sent for a payout."""
    url = f"{stripe_url}/v1/transfers?transfer_group=payout:{payout_id}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        listed: list[dict[str, Any]] = json.load(answer)["data"]
    return listed


# --- the program -----------------------------------------------------------------------------


def choose_cases(repeats: int, *, is_quick: bool) -> list[Case]:
    """Return every pair of points in each mode; in the quick form one second point each."""
    seconds = [*POINTS, NO_CRASH]
    cases = [
        Case(first, second, MODES[repeat % len(MODES)])
        for repeat in range(repeats)
        for first in POINTS
        for second in seconds
    ]
    if not is_quick:
        return cases
    # Each first point once, with a second point and a mode that turn with it.
    names = list(POINTS)
    return [
        Case(first, names[(number * 3 + 1) % len(names)], MODES[number % len(MODES)])
        for number, first in enumerate(names)
    ]


def print_table(cases: list[Case], seconds: float, ledger_problems: list[str]) -> None:
    """Print runs, kills and problems for each first point."""
    print(f"{'first kill':<18} {'runs':>5} {'kills':>6} {'bad':>4}   where")
    for point, meaning in POINTS.items():
        mine = [case for case in cases if case.first == point]
        if mine:
            bad = sum(bool(case.problems) for case in mine)
            kills = sum(case.crashes for case in mine)
            print(f"{point:<18} {len(mine):>5} {kills:>6} {bad:>4}   {meaning}")
    bad = sum(bool(case.problems) for case in cases)
    kills = sum(case.crashes for case in cases)
    print(f"{'all':<18} {len(cases):>5} {kills:>6} {bad:>4}   {seconds:.0f} s")
    print(f"ledger: {ledger_problems or 'right'}")
    for case in cases:
        for problem in case.problems:
            print(f"  {case.first} + {case.second} ({case.mode}): {problem}")


def main() -> int:
    """Run the cases; 0 when nothing was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="one mode of recovery each")
    parser.add_argument("--quick", action="store_true", help="each first point once")
    options = parser.parse_args()
    data_dir = tempfile.mkdtemp(prefix="parley-crash-")
    try:
        with server_apart(StripeServer) as stripe_url:
            load_product(data_dir, settings_of(stripe_url))
            make_tables()
            cases = choose_cases(options.repeats, is_quick=options.quick)
            random.Random(7).shuffle(cases)
            started = time.monotonic()
            for case in cases:
                run_case(case, stripe_url)
        from surveys.selectors.ledger_check import verify_ledger

        ledger_problems = verify_ledger()
        print_table(cases, time.monotonic() - started, ledger_problems)
        return int(bool(ledger_problems) or any(case.problems for case in cases))
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

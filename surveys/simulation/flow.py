"""The whole life of a paid survey over HTTP, told step by step: what `manage.py widget_flow` runs.

Owns the story and its wording. Uses the public API alone, so it proves what a client can do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from surveys.simulation.http_client import Answer, JsonClient
from surveys.simulation.respondent import TURNS_MAX, Persona, ScriptedRespondent, writing_seconds

Say = Callable[[str], None]
WIDTH = 70
PENDING_TRIES = 30
INSIGHTS_TRIES = 60


@dataclass(frozen=True, slots=True)
class FlowOptions:
    """How the story is told."""

    key: str
    sessions: int
    words_per_minute: float
    """How quickly the made-up people write; faster than people can is held for review."""


class WidgetFlow:
    """Plays company, visitors and widget against a running server."""

    def __init__(self, client: JsonClient, options: FlowOptions, say: Say) -> None:
        self.client = client
        self.options = options
        self.say = say

    def run(
        self, survey: Mapping[str, Any], detailed: Persona, quick: Sequence[Persona]
    ) -> list[dict[str, Any]]:
        """Play the story and return the results of its sessions, in order.

        Raises:
            RefusedError, UnreachableError: the server would not, or is not there.
        """
        self._banner("SIMULATING WIDGET INTERACTION FLOW")
        created = self._create(survey)
        results = [self._detailed_session(created, detailed)]
        self._show_insights(created, "STEP 8: Background - Insights for company", expected=1)
        extra = [quick[index % len(quick)] for index in range(self.options.sessions - 1)]
        if extra:
            results += self._quick_sessions(created, extra)
            self._show_insights(
                created,
                f"INSIGHTS AFTER {self.options.sessions} SESSIONS",
                expected=self.options.sessions,
            )
        return results

    # --- steps -----------------------------------------------------------------------------

    def _create(self, survey: Mapping[str, Any]) -> dict[str, Any]:
        self._step("STEP 1: Company creates survey")
        created: dict[str, Any] = self._call(
            "POST", "/survey/create", body=dict(survey), token=self.options.key
        ).body
        self.say(f"Survey created: {created['survey_id']}")
        self.say(f"  Title: {created['title']}")
        self.say(f"  Questions: {len(created['questions'])}")
        self.say(
            f"  Payment range: {_money(created['payment_min'], created)}-"
            f"{_money(created['payment_max'], created)}"
        )
        return created

    def _detailed_session(self, survey: Mapping[str, Any], persona: Persona) -> dict[str, Any]:
        self._step("STEP 2: User clicks feedback widget button")
        self._call(
            "POST",
            f"/survey/{survey['survey_id']}/funnel",
            body={"step": "shown", "publishable_key": survey["publishable_key"]},
        )
        self.say("(Widget panel opens...)")
        self._step("STEP 3: Initialize session")
        started = self._start(survey, persona)
        self.say(f"Session started: {started['session_id']}")
        self.say(f"  Status: {started['status']}")
        self.say(f"  Room: {started['room_name']}")
        self.say(f"  LiveKit URL: {started['livekit_url'] or 'not configured, so by typing'}")
        self.say("")
        self.say("  Context for the visitor:")
        self.say(f"  {started['context']}")
        self._step("STEP 4: Conversation in progress")
        self._converse(started, persona, self.say)
        self._step("STEP 5: User clicks 'Done' button")
        self.say("(Processing feedback...)")
        self._step("STEP 6: Evaluating & processing payment")
        result = self._complete(started)
        self._show_result(result)
        return result

    def _quick_sessions(
        self, survey: Mapping[str, Any], personas: Sequence[Persona]
    ) -> list[dict[str, Any]]:
        self._step(f"TESTING MULTIPLE SESSIONS: {len(personas)} more, at the same time")

        def play(persona: Persona) -> dict[str, Any]:
            started = self._start(survey, persona)
            self._converse(started, persona, None)
            return self._complete(started)

        with ThreadPoolExecutor(max_workers=min(4, len(personas))) as pool:
            results = list(pool.map(play, personas))
        for persona, result in zip(personas, results, strict=True):
            self.say(
                f"  {persona.name}: score {result['score']}/100, "
                f"{_money(result['payment_amount'], result)}, {result['payment_status']}"
            )
        return results

    # --- calls -----------------------------------------------------------------------------

    def _start(self, survey: Mapping[str, Any], persona: Persona) -> dict[str, Any]:
        # No device key: each of them is a visitor of their own, with a wallet of their own.
        answer: dict[str, Any] = self._call(
            "POST",
            f"/survey/{survey['survey_id']}/session/start",
            body={
                "publishable_key": survey["publishable_key"],
                "consent": True,
                "language": persona.language,
                "attributes": dict(persona.attributes),
            },
        ).body
        return answer

    def _converse(self, started: Mapping[str, Any], persona: Persona, say: Say | None) -> None:
        token = started["session_token"]
        path = f"/session/{started['session_id']}"
        respondent = ScriptedRespondent(
            persona, [question["id"] for question in started["questions"]]
        )
        opening = self._call("POST", f"{path}/join", token=token).body
        self._print_segments(opening["segments"], say)
        progress = opening["progress"]
        for number in range(1, TURNS_MAX + 1):
            text = respondent.reply(progress["current"])
            seconds = writing_seconds(text, self.options.words_per_minute)
            time.sleep(seconds)
            turn = self._call(
                "POST",
                f"{path}/turns",
                body={
                    "client_id": f"turn-{number}",
                    "text": text,
                    "typing_seconds": round(seconds * 0.9, 2),
                },
                token=token,
            ).body
            self._print_segments(turn["segments"], say)
            progress = turn["progress"]
            if progress["closed"]:
                return

    def _complete(self, started: Mapping[str, Any]) -> dict[str, Any]:
        for _ in range(PENDING_TRIES):
            answer = self._call(
                "POST",
                f"/session/{started['session_id']}/complete",
                body={},
                token=started["session_token"],
            )
            if answer.status != 202:
                result: dict[str, Any] = answer.body
                return result
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        raise TimeoutError("the answer was not scored in time")

    def _show_insights(self, survey: Mapping[str, Any], heading: str, *, expected: int) -> None:
        self._step(heading)
        self.say("(Insights agent running in background...)")
        insights: dict[str, Any] = {}
        for _ in range(INSIGHTS_TRIES):
            insights = self._call(
                "GET", f"/survey/{survey['survey_id']}/insights", token=self.options.key
            ).body
            unflagged = insights["total_sessions"] - insights["flagged_sessions"]
            if insights["total_sessions"] >= expected and insights["sessions_used"] >= unflagged:
                break
            time.sleep(0.5)
        self.say("")
        self.say(f"  Total sessions: {insights['total_sessions']}")
        self.say(f"  Average score: {insights['average_score']}/100")
        self.say(f"  Average payment: {_money(insights['average_payment'] or 0, insights)}")
        self.say(f"  Confidence: {insights['confidence']} ({insights['sessions_used']} sessions)")
        self.say("")
        self.say("  Key insights:")
        for line in insights["key_insights"]:
            self.say(f"  - {line}")
        for theme in insights["themes"]:
            self.say(f"  Theme: {theme['label']} ({theme['session_count']} sessions)")
            for quote in theme["quotes"]:
                self.say(f'    "{quote["text"]}"')

    def _call(
        self, method: str, path: str, *, body: Any = None, token: str | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.call(method, path, body=body, headers=headers)

    # --- words -----------------------------------------------------------------------------

    def _show_result(self, result: Mapping[str, Any]) -> None:
        self.say("")
        self.say("RESULTS SHOWN TO USER:")
        self.say("=" * WIDTH)
        self.say(f"  {result['message']}")
        self.say("")
        self.say(f"  Score: {result['score']}/100")
        self.say(f"  Payment Amount: {_money(result['payment_amount'], result)}")
        self.say(f"  Transaction ID: {result['transaction_id']}")
        self.say(f"  Payment Status: {result['payment_status']}")
        if result["flags"]:
            self.say(f"  Held for: {', '.join(result['flags'])}")
        self.say("")
        self.say("  Feedback Quality:")
        self.say(f"  {result['evaluation_notes']}")

    def _print_segments(self, segments: Sequence[Mapping[str, Any]], say: Say | None) -> None:
        if say is None:
            return
        for segment in segments:
            speaker = "Agent" if segment["role"] == "agent" else "User"
            say(f"  {speaker}: {segment['text']}")

    def _banner(self, text: str) -> None:
        self.say("=" * WIDTH)
        self.say(text)
        self.say("=" * WIDTH)

    def _step(self, text: str) -> None:
        self.say("")
        self.say(text)
        self.say("-" * WIDTH)


def _money(amount: float, where: Mapping[str, Any]) -> str:
    symbol = "$" if where.get("currency") == "USD" else f"{where.get('currency')} "
    return f"{symbol}{amount:.2f}"

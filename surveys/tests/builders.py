"""The world of the survey tests: a funded company, a survey, a visitor who talks and presses Done.

Everything a visitor does goes through HTTP, as the widget does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rest_framework.test import APIClient

from accounts.models import Company
from sessions.models import TranscriptSegment, VoiceSession
from surveys.models import Survey, SurveyResponse
from surveys.services.funding import fund_company
from surveys.services.surveys import create_survey

FIELDS: dict[str, Any] = {
    "title": "Product Experience Feedback",
    "objective": "Find out what slows people down.",
    "questions": [
        {"text": "What were you trying to get done?", "max_probes": 0},
        {"text": "Which part slowed you down?", "max_probes": 0},
    ],
    "payment_min": 5.0,
    "payment_max": 20.0,
    "max_responses": 10,
}
ANSWERS = (
    "On Monday morning I had to turn forty interview notes into a summary for my manager before "
    "the ten o'clock meeting, because it decides which supplier we keep.",
    "The export to PDF took six minutes and lost all the tags, so I copied forty headings by hand "
    "and came late to the meeting on Tuesday.",
)
OTHER_ANSWERS = (
    "Last Thursday I planned a school trip for twenty-six pupils and collected bus times, rooms "
    "and allergies in one long notebook for the other teachers.",
    "Sharing was slow: the other teacher opened the link three times and only saw an empty page, "
    "so in the end I printed everything at home.",
)
THIRD_ANSWERS = (
    "I measured a customer's kitchen on Saturday with my phone and wrote an offer from it at home "
    "that same evening, since two other fitters were asked.",
    "Choosing photos got in my way. The file with thirty-five pictures was too big for e-mail and "
    "I sent the offer one day late to the customer.",
)


def make_survey(company: Company, *, funding_minor: int = 100_000, **fields: Any) -> Survey:
    """Create a survey of a company that has money."""
    if funding_minor:
        fund_company(company=company, amount_minor=funding_minor, currency="USD")
    return create_survey(company=company, fields={**FIELDS, **fields})


@dataclass
class Visitor:
    """Somebody in front of the widget."""

    survey: Survey
    client: APIClient = field(default_factory=lambda: APIClient(raise_request_exception=False))
    started: dict[str, Any] = field(default_factory=dict)

    def start(self, *, expect: int = 201, **body: Any) -> dict[str, Any]:
        """Press Start; keep the tokens."""
        answer = self.client.post(
            f"/survey/{self.survey.public_id}/session/start",
            {"publishable_key": self.survey.publishable_key, **body},
        )
        assert answer.status_code == expect, answer.content
        found: dict[str, Any] = answer.json()
        if expect in (200, 201):
            self.started = found
        return found

    @property
    def session_id(self) -> str:
        return str(self.started["session_id"])

    @property
    def session(self) -> VoiceSession:
        return VoiceSession.objects.get(public_id=self.session_id)

    @property
    def response(self) -> SurveyResponse:
        return SurveyResponse.objects.get(voice_session__public_id=self.session_id)

    def call(self, method: str, action: str, token: str, body: Any = None, **headers: Any) -> Any:
        """Call a route of the session with a token."""
        return getattr(self.client, method)(
            f"/session/{self.session_id}/{action}",
            body,
            HTTP_AUTHORIZATION=f"Bearer {token}",
            **headers,
        )

    def say(self, text: str, number: int) -> Any:
        """Send one turn."""
        answer = self.call(
            "post",
            "turns",
            self.started["session_token"],
            {"client_id": f"turn-{number}", "text": text},
        )
        assert answer.status_code == 200, answer.content
        return answer.json()

    def talk(self, answers: tuple[str, ...] = ANSWERS) -> None:
        """Answer the questions, at a human pace as far as the record knows."""
        joined = self.call("post", "join", self.started["session_token"])
        assert joined.status_code == 200, joined.content
        for number, text in enumerate(answers, start=1):
            self.say(text, number)
        slow_down(self.session)

    def done(self, *, expect: int = 200, **body: Any) -> dict[str, Any]:
        """Press Done."""
        answer = self.call("post", "complete", self.started["session_token"], body)
        assert answer.status_code == expect, answer.content
        found: dict[str, Any] = answer.json()
        return found

    def answer_all(self, answers: tuple[str, ...] = ANSWERS, **start: Any) -> dict[str, Any]:
        """Start, talk, press Done."""
        self.start(**start)
        self.talk(answers)
        return self.done()


def slow_down(session: VoiceSession) -> None:
    """Write the conversation down as if it had taken a person's time."""
    moment = 0.0
    for index, segment in enumerate(TranscriptSegment.objects.filter(voice_session=session)):
        writing = len(segment.text.split()) * (1.3 + 0.1 * (index % 4))
        moment += 2.0 + (writing if segment.role == "user" else 0.5)
        segment.at_seconds = moment
        segment.typing_seconds = writing if segment.role == "user" else None
        segment.save(update_fields=["at_seconds", "typing_seconds"])

"""SurveyAgent: offers a survey, asks for consent, and carries the answers to it.

The interview itself is held by surveys' and sessions' services; what the person writes becomes a
step of their run, and the interviewer's words come back through the outbox.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from agents.interview.language import fold
from core.money import format_money
from messaging.agents_protocol import AgentResult, RouterDecision, TurnContext
from messaging.lanes.base import LaneAgent, argument_of, language_of, means_no, means_yes, pick
from messaging.models import SurveyKeyword, SurveyRun, SurveyRunState
from messaging.replies import BODY_MAX, Reply, Row, Section, ask, cut, offer, say
from messaging.router.intents import intents_of
from messaging.selectors import survey_runs as selectors
from messaging.services import survey_runs
from messaging.turns import Turn

_FINISH = frozenset("listo terminar termine finalizar done finish finished fin".split())
_LEAVE = frozenset("salir abandonar dejar exit quit leave".split())
_TALKING = (SurveyRunState.STARTING, SurveyRunState.TALKING, SurveyRunState.SCORING)


class SurveyAgent(LaneAgent):
    """Paid surveys."""

    lane = "survey"
    intents = intents_of("survey")
    slot_schema: Mapping[str, Any] = {
        "type": "object",
        "properties": {"run": {"type": "string"}},
        "additionalProperties": False,
    }

    def active_intent(self, turn: Turn, context: TurnContext) -> str | None:
        """Return what a turn means to the survey the contact is in."""
        run = selectors.live_run_of(context.contact_id)
        if run is None or not turn.text:
            return None
        if run.state == SurveyRunState.OFFERED:
            if means_yes(turn.text):
                return "consent"
            return "decline" if means_no(turn.text) else None
        word = fold(turn.text).strip(" .!")
        if word in _FINISH:
            return "finish"
        return "leave" if word in _LEAVE else "answer"

    def handle(self, turn: Turn, decision: RouterDecision, context: TurnContext) -> AgentResult:
        """Answer by intent."""
        language = language_of(turn, context)
        handlers: dict[str, Callable[[Turn, TurnContext, str], AgentResult]] = {
            "reward": self._reward,
            "choose": self._choose,
            "consent": self._consent,
            "decline": self._decline,
            "answer": self._answer,
            "finish": self._finish,
            "leave": self._leave,
        }
        return handlers.get(decision.intent, self._join)(turn, context, language)

    def _join(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        run = selectors.live_run_of(context.contact_id)
        if run is not None and run.state in _TALKING:
            text = pick(
                language,
                "Ya estás en una encuesta; seguimos donde quedamos. Responde a la última pregunta, "
                "o escribe *listo* para terminar.",
                "You are in a survey already; we go on where we stopped. Answer the last question, "
                "or write *done* to finish.",
            )
            return _said(language, say(text))
        keywords = selectors.keywords_of(context.company_id)
        named = _named(keywords, turn.text)
        if named is not None:
            return self._offer(named, context, language)
        surveys = {keyword.survey_id: keyword for keyword in keywords}
        if not surveys:
            text = pick(
                language,
                "Ahora mismo no tenemos ninguna encuesta abierta. ¡Gracias por tu interés!",
                "We have no open survey right now. Thank you for your interest!",
            )
            return _said(language, say(text))
        if len(surveys) == 1:
            return self._offer(keywords[0], context, language)
        rows = tuple(
            Row(
                f"survey:choose:{keyword.code}",
                keyword.code,
                keyword.survey.current_version.title if keyword.survey.current_version else "",
            )
            for keyword in surveys.values()
        )
        reply = offer(
            pick(language, "Estas son las encuestas abiertas:", "These are the open surveys:"),
            button=pick(language, "Elegir encuesta", "Choose survey"),
            sections=(Section("", rows),),
        )
        return _said(language, reply)

    def _choose(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        wanted = survey_runs.fold_code(argument_of(turn))
        for keyword in selectors.keywords_of(context.company_id):
            if keyword.code == wanted:
                return self._offer(keyword, context, language)
        return self._join(turn, context, language)

    def _offer(self, keyword: SurveyKeyword, context: TurnContext, language: str) -> AgentResult:
        survey = keyword.survey
        version = survey.current_version
        if version is None:
            return _said(language, say(pick(language, "Esa encuesta no está lista.",
                                            "That survey is not ready.")))  # fmt: skip
        low = format_money(version.payment_min_minor, survey.currency, language)
        high = format_money(version.payment_max_minor, survey.currency, language)
        pay = ""
        if version.payment_max_minor:
            pay = pick(
                language,
                f"Pagamos de {low} a {high} según el detalle de tus respuestas. ",
                f"We pay {low} to {high}, depending on the detail of your answers. ",
            )
        if survey.company.is_demo and pay:
            pay += pick(language, "(Es una demostración: el dinero es de juego.) ",
                        "(This is a demo: the money is play money.) ")  # fmt: skip
        head = pick(
            language,
            f"📋 *{version.title}*\nToma unos {version.max_minutes} minutos. {pay}\n\n",
            f"📋 *{version.title}*\nIt takes about {version.max_minutes} minutes. {pay}\n\n",
        )
        question = pick(language, "\n\n¿Aceptas participar?", "\n\nDo you agree to take part?")
        room = BODY_MAX - len(head) - len(question)
        reply = ask(
            head + cut(version.consent_text, room) + question,
            ("survey:consent", pick(language, "Acepto", "I agree")),
            ("survey:decline", pick(language, "No, gracias", "No, thanks")),
        )
        company_id, contact_id = context.company_id, context.contact_id
        conversation_id = context.conversation_id

        def put() -> None:
            survey_runs.offer_survey(
                company_id=company_id,
                contact_id=contact_id,
                conversation_id=conversation_id,
                survey=survey,
                language=language,
            )

        return AgentResult(replies=(reply,), slots={}, effects=(put,), language=language)

    def _consent(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        run = selectors.live_run_of(context.contact_id)
        if run is None or run.state != SurveyRunState.OFFERED:
            return self._join(turn, context, language)
        key = turn.id

        def put() -> None:
            survey_runs.consent(run=run, key=key)

        text = pick(
            language,
            "¡Gracias! Empezamos. Responde con tus palabras; escribe *listo* cuando quieras "
            "terminar.",
            "Thank you! Let us begin. Answer in your own words; write *done* when you want to "
            "finish.",
        )
        return AgentResult(
            replies=(say(text),), slots={"run": run.public_id}, effects=(put,), language=language
        )

    def _decline(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        run = selectors.live_run_of(context.contact_id)
        if run is None or run.state != SurveyRunState.OFFERED:
            return self._join(turn, context, language)

        def put() -> None:
            survey_runs.decline(run=run)

        text = pick(language, "Sin problema. ¡Gracias!", "No problem. Thank you!")
        return AgentResult(replies=(say(text),), slots={}, effects=(put,), language=language)

    def _step(self, run: SurveyRun, kind: str, turn: Turn) -> Callable[[], None]:
        key, text = turn.id, turn.text

        def put() -> None:
            survey_runs.add_step(run=run, kind=kind, key=key, text=text)

        return put

    def _answer(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        run = selectors.live_run_of(context.contact_id)
        if run is None:
            return self._join(turn, context, language)
        # No reply here: the interviewer's comes from the survey.
        return AgentResult(slots={"run": run.public_id}, effects=(self._step(run, "say", turn),))

    def _finish(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        run = selectors.live_run_of(context.contact_id)
        if run is None or run.state not in _TALKING:
            return self._join(turn, context, language)
        text = pick(
            language,
            "Gracias. Estoy revisando tus respuestas…",
            "Thank you. I am going through your answers…",
        )
        return AgentResult(replies=(say(text),), slots={}, effects=(self._step(run, "done", turn),))

    def _leave(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        run = selectors.live_run_of(context.contact_id)
        if run is None or run.state not in _TALKING:
            return self._join(turn, context, language)
        text = pick(
            language,
            "Listo, dejamos la encuesta aquí; no se paga porque no se terminó.",
            "All right, we leave the survey here; it is not paid because it was not finished.",
        )
        return AgentResult(
            replies=(say(text),),
            slots={},
            lane="info",
            effects=(self._step(run, "stop", turn),),
            language=language,
        )

    def _reward(self, turn: Turn, context: TurnContext, language: str) -> AgentResult:
        done = [run for run in selectors.runs_of(context.contact_id) if run.response_id]
        if done:
            text = pick(
                language,
                "Tu pago está en tu monedero: abre el enlace que te mandé al empezar la encuesta.",
                "Your pay is in your wallet: open the link I sent you when the survey began.",
            )
            return _said(language, say(text))
        return self._join(turn, context, language)


def _named(keywords: list[SurveyKeyword], text: str) -> SurveyKeyword | None:
    """Return the keyword a message holds, as a word of its own."""
    found = {survey_runs.fold_code(word) for word in re.findall(r"[\w-]+", text)}
    return next((keyword for keyword in keywords if keyword.code in found), None)


def _said(language: str, *replies: Reply) -> AgentResult:
    return AgentResult(replies=replies, slots={}, language=language)

"""Surveys held as a WhatsApp conversation, through the services of surveys and sessions.

Owns `SurveyRun` and `SurveyStep`. What a person writes becomes a step in the turn's transaction;
`advance_run` carries the steps one after the other to the survey, outside of any transaction, and
puts the interviewer's words into the outbox. Every part may run twice: a step is said under its
own client id, and each of the interviewer's segments is queued under its id.
"""

from __future__ import annotations

import logging
import os
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Company, User
from agents.interview.types import InterviewState, Phase
from core import audit, clock, lease
from core.errors import (
    ConflictError,
    GoneError,
    ParleyError,
    RateLimitedError,
    UnavailableError,
)
from core.jobs import nudge
from messaging.models import (
    LIVE_RUN_STATES,
    Contact,
    SurveyKeyword,
    SurveyRun,
    SurveyRunState,
    SurveyStep,
)
from messaging.replies import Reply, link, say
from messaging.services.outbox import queue_reply
from messaging.services.run_texts import run_text
from sessions.models import EndReason, SegmentRole, Transport, VoiceSession
from sessions.services.conversations import open_conversation
from sessions.services.endings import end_session
from sessions.services.turns import say as say_turn
from surveys.models import ResponseState, Survey, SurveyResponse
from surveys.services.completion import complete_response
from surveys.services.results import present_result
from surveys.services.starts import StartRequest, start_response

logger = logging.getLogger(__name__)

ADVANCE_JOB = "messaging.advance_survey_run"
LEASE_SECONDS = 60.0
RETRY_SECONDS = (1, 4, 15, 60)
LOOK_AGAIN_SECONDS = 2
_TEMPORARY = (RateLimitedError, UnavailableError)


def save_keyword(*, survey: Survey, code: str, actor: User | str = "system") -> SurveyKeyword:
    """Let a word open a survey.

    Raises:
        ConflictError: the word opens another survey of the company, or is none that people type.
    """
    folded = fold_code(code)
    if not 3 <= len(folded) <= 24:
        raise ConflictError("invalid_keyword", "Use 3 to 24 letters and digits.")
    known = SurveyKeyword.objects.filter(company=survey.company, code=folded).first()
    if known is not None and known.is_active and known.survey_id != survey.pk:
        raise ConflictError("keyword_taken", "This word opens another survey already.")
    with transaction.atomic():
        keyword, _ = SurveyKeyword.objects.update_or_create(
            company=survey.company, code=folded, defaults={"survey": survey, "is_active": True}
        )
        audit.record_event(
            actor=actor, action="survey_keyword.saved", object_ref=survey, company=survey.company
        )
    return keyword


def remove_keyword(*, company: Company, code: str, actor: User) -> None:
    """Let a word open nothing any more; runs it has opened go on. Again changes nothing."""
    found = SurveyKeyword.objects.filter(company=company, code=fold_code(code), is_active=True)
    with transaction.atomic():
        keyword = found.select_related("survey").first()
        if keyword is not None and found.update(is_active=False):
            audit.record_event(
                actor=actor,
                action="survey_keyword.removed",
                object_ref=keyword.survey,
                company=company,
            )


def fold_code(code: str) -> str:
    """Return a survey's code as it is stored: capital letters and digits only."""
    return "".join(character for character in code.upper() if character.isalnum())


def offer_survey(
    *, company_id: int, contact_id: int, conversation_id: int, survey: Survey, language: str
) -> SurveyRun:
    """Note that consent was asked. An older offer that was never answered is let go.

    Returns:
        The run: the live one when the contact is already in a survey.

    Joins the caller's transaction.
    """
    SurveyRun.objects.filter(contact_id=contact_id, state=SurveyRunState.OFFERED).update(
        state=SurveyRunState.DECLINED
    )
    live = SurveyRun.objects.filter(contact_id=contact_id, state__in=LIVE_RUN_STATES).first()
    if live is not None:
        return live
    try:
        with transaction.atomic():
            return SurveyRun.objects.create(
                company_id=company_id,
                contact_id=contact_id,
                conversation_id=conversation_id,
                survey=survey,
                language=language,
            )
    except IntegrityError:
        return SurveyRun.objects.get(contact_id=contact_id, state__in=LIVE_RUN_STATES)


def consent(*, run: SurveyRun, key: str) -> bool:
    """Start the run because the person agreed; False when that was done before."""
    changed = SurveyRun.objects.filter(pk=run.pk, state=SurveyRunState.OFFERED).update(
        state=SurveyRunState.STARTING
    )
    if changed:
        add_step(run=run, kind="start", key=key)
    return bool(changed)


def decline(*, run: SurveyRun) -> None:
    """Let the offer go because the person said no. One statement."""
    SurveyRun.objects.filter(pk=run.pk, state=SurveyRunState.OFFERED).update(
        state=SurveyRunState.DECLINED
    )


def add_step(*, run: SurveyRun, kind: str, key: str, text: str = "") -> None:
    """Note what the person did, for `advance_run`. The same key and kind again changes nothing.

    Joins the caller's transaction; the job is asked for when that commits.
    """
    now = clock.now()
    SurveyStep.objects.get_or_create(
        run=run, key=key[-64:], kind=kind, defaults={"text": text, "at": now}
    )
    SurveyRun.objects.filter(pk=run.pk).update(next_attempt_at=now, attempts=0)
    nudge(ADVANCE_JOB, run.public_id)


def stop_live_run(*, contact_id: int, key: str) -> bool:
    """End the survey a contact is in because they want no more; False without one."""
    run = SurveyRun.objects.filter(contact_id=contact_id, state__in=LIVE_RUN_STATES).first()
    if run is None:
        return False
    if run.state == SurveyRunState.OFFERED:
        decline(run=run)
    else:
        add_step(run=run, kind="stop", key=key)
    return True


def due_run_ids(*, limit: int = 100) -> list[str]:
    """Return the runs something waits in that nobody works on."""
    due = SurveyRun.objects.filter(next_attempt_at__lte=clock.now()).filter(lease.unclaimed())
    return list(due.order_by("next_attempt_at").values_list("public_id", flat=True)[:limit])


def note_session_ended(voice_session: VoiceSession) -> None:
    """Have a run looked at whose conversation has just ended, however it ended."""
    runs = SurveyRun.objects.filter(
        response__voice_session=voice_session, state=SurveyRunState.TALKING
    )
    if runs.update(next_attempt_at=clock.now()):
        for public_id in runs.values_list("public_id", flat=True):
            nudge(ADVANCE_JOB, public_id)


def advance_run(*, public_id: str) -> int:
    """Carry what waits in a run to its survey; return how many steps were done.

    Of several that call it at once one works; what arrives meanwhile is seen before it leaves or
    by the sweep. Safe to run twice. Must not be called inside a transaction.
    """
    rows = SurveyRun.objects.filter(public_id=public_id)
    fence = lease.claim(
        rows.filter(next_attempt_at__lte=clock.now()),
        owner=f"{os.getpid()}:{secrets.token_hex(6)}",
        seconds=LEASE_SECONDS,
    )
    if fence is None:
        return 0
    done = 0
    try:
        while _advance_once(public_id, fence):
            done += 1
            lease.renew(rows, fence=fence, seconds=LEASE_SECONDS)
    finally:
        lease.release(rows, fence=fence)
    if SurveyStep.objects.filter(run__public_id=public_id, done_at=None).exists():
        nudge(ADVANCE_JOB, public_id)
    return done


def _advance_once(public_id: str, fence: int) -> bool:
    """Do the next step of a held run; False when nothing is left to do now."""
    run = (
        SurveyRun.objects.select_related(
            "survey__company",
            "survey__current_version",
            "conversation__number__company",
            "conversation__contact",
            "response__voice_session",
        )
        .filter(public_id=public_id, fence=fence)
        .first()
    )
    if run is None:
        return False
    step = run.steps.filter(done_at=None).order_by("id").first()
    try:
        if step is not None:
            _do(run, step)
        else:
            _look_after(run)
    except _TEMPORARY:
        _postpone(run, fence)
        return False
    except ParleyError as error:
        _refuse(run, step, error)
    except Exception:
        # The step stays; the person's words are stored, and the next attempt says them again.
        logger.exception("survey_run.failed", extra={"run_id": run.public_id})
        _postpone(run, fence)
        return False
    if step is None:
        return False
    SurveyStep.objects.filter(pk=step.pk).update(done_at=clock.now())
    return True


def _do(run: SurveyRun, step: SurveyStep) -> None:
    if run.state not in LIVE_RUN_STATES:
        return
    if step.kind == "start":
        _start(run)
    elif step.kind == "stop":
        _stop(run)
    elif step.kind == "done":
        _finish(run)
    elif run.response is not None:
        voice_session = _fresh(run.response)
        text = _gather(run, step, voice_session)
        say_turn(voice_session=voice_session, text=text, client_id=_client_id(step))
        _pass_on(run)
        if _is_over(_fresh(run.response)):
            _finish(run)


def _gather(run: SurveyRun, step: SurveyStep, voice_session: VoiceSession) -> str:
    """Return what the person said, with the messages that wait behind it made part of it.

    Whoever writes an answer in three messages, or writes on while nobody answers, gives one answer:
    taken one by one, the later ones would reach a question nobody had read, faster than anybody
    writes. What was said once stays as it was said.
    """
    if voice_session.segments.filter(client_id=_client_id(step)).exists():
        return step.text
    with transaction.atomic():
        text, gathered = step.text, []
        for later in run.steps.filter(done_at=None, pk__gt=step.pk).order_by("id"):
            joined = f"{text}\n{later.text}"
            if later.kind != "say" or len(joined) > settings.SURVEY_MAX_TURN_CHARS:
                break
            text = joined
            gathered.append(later.pk)
        if gathered:
            SurveyStep.objects.filter(pk=step.pk).update(text=text)
            SurveyStep.objects.filter(pk__in=gathered).update(done_at=clock.now())
    return text


def _client_id(step: SurveyStep) -> str:
    return f"whatsapp-{step.pk}"


def _start(run: SurveyRun) -> None:
    """Start the survey's session for this contact; what was started before goes on."""
    if run.response is None:
        started = start_response(
            survey=run.survey,
            request=StartRequest(
                consent=True,
                language=run.language,
                # One answer a contact: the contact is the device.
                device_key=f"whatsapp:{run.conversation.contact.public_id}",
                transport=Transport.WHATSAPP,
            ),
        )
        with transaction.atomic():
            SurveyRun.objects.filter(pk=run.pk).update(
                response=started.response,
                state=SurveyRunState.TALKING,
                language=started.response.voice_session.language,
            )
            if started.receipt_token:
                _send_wallet_link(run, started.receipt_token)
        run.response = started.response
        run.state = SurveyRunState.TALKING
    open_conversation(voice_session=_fresh(run.response))
    _pass_on(run)


def _send_wallet_link(run: SurveyRun, receipt: str) -> None:
    """Send the way to the wallet now: the receipt is known at this moment and never again."""
    reply = link(
        run_text("wallet", run.language),
        # Behind the #, so that no server or log sees it.
        url=f"{settings.SITE_URL.rstrip('/')}/wallet/#{receipt}",
        title=run_text("wallet_button", run.language),
    )
    queue_reply(conversation=run.conversation, reply=reply, turn_id=f"run:{run.public_id}:wallet")


def _pass_on(run: SurveyRun) -> None:
    """Queue what the interviewer has said and was not queued yet."""
    if run.response is None:
        return
    segments = run.response.voice_session.segments.filter(role=SegmentRole.AGENT, is_late=False)
    for public_id, text in segments.order_by("position").values_list("public_id", "text"):
        _tell(run, say(text), f"segment:{public_id}")


def _finish(run: SurveyRun) -> None:
    """End the conversation as done, and tell the result when it is there."""
    if run.response is None:
        return
    _set(run, SurveyRunState.SCORING)
    completion = complete_response(voice_session=_fresh(run.response))
    if not completion.is_ready:
        raise UnavailableError(LOOK_AGAIN_SECONDS)
    _tell_result(run, completion.response)


def _tell_result(run: SurveyRun, response: SurveyResponse) -> None:
    response = SurveyResponse.objects.select_related(
        "voice_session", "survey__company", "version", "wallet"
    ).get(pk=response.pk)
    shown = present_result(response)
    parts = [_as_sentence(shown["message"]), run_text("thanks", run.language)]
    _tell(run, say("\n\n".join(filter(None, parts))), f"run:{run.public_id}:result")
    _set(run, SurveyRunState.DONE)


def _as_sentence(text: str) -> str:
    """End a text as a sentence: in the widget it stands alone, here among others."""
    text = text.strip()
    return f"{text}." if text and text[-1] not in ".!?…" else text


def _stop(run: SurveyRun) -> None:
    if run.response is not None:
        end_session(voice_session=_fresh(run.response), reason=EndReason.STOPPED)
    _set(run, SurveyRunState.STOPPED)


def _look_after(run: SurveyRun) -> None:
    """See to a run without a step: scoring that takes long, or a session that ended by itself."""
    SurveyRun.objects.filter(pk=run.pk).update(next_attempt_at=None)
    if run.response is None or run.state not in LIVE_RUN_STATES:
        return
    voice_session = _fresh(run.response)
    if run.state == SurveyRunState.SCORING or voice_session.is_finished:
        _pass_on(run)
        _finish(run)
    elif voice_session.is_ended:
        _tell(run, say(run_text("ended", run.language)), f"run:{run.public_id}:ended")
        _set(run, SurveyRunState.STOPPED)


def _is_over(voice_session: VoiceSession) -> bool:
    if voice_session.is_ended:
        return True
    state = voice_session.interview_state
    return state is not None and InterviewState.from_json(state).phase is Phase.CLOSED


def _refuse(run: SurveyRun, step: SurveyStep | None, error: ParleyError) -> None:
    """Tell the person why it does not go on; a refusal of the survey itself ends the run."""
    logger.warning("survey_run.refused", extra={"run_id": run.public_id, "code": error.code})
    key = f"run:{run.public_id}:{error.code}:{step.pk if step else 0}"
    _tell(run, say(run_text(error.code, run.language)), key)
    ends = step is None or step.kind in ("start", "done") or isinstance(error, GoneError)
    if run.response is not None and _fresh(run.response).is_ended:
        response_state = SurveyResponse.objects.values_list("state", flat=True).get(
            pk=run.response.pk
        )
        ends = response_state not in (ResponseState.EVALUATING, ResponseState.COMPLETED)
    if ends:
        _set(run, SurveyRunState.FAILED)


def _postpone(run: SurveyRun, fence: int) -> None:
    attempts = run.attempts + 1
    if attempts > len(RETRY_SECONDS) and run.state != SurveyRunState.SCORING:
        _tell(run, say(run_text("failed", run.language)), f"run:{run.public_id}:failed")
        _set(run, SurveyRunState.FAILED)
        run.steps.filter(done_at=None).update(done_at=clock.now())
        SurveyRun.objects.filter(pk=run.pk).update(next_attempt_at=None)
        return
    wait = RETRY_SECONDS[min(attempts, len(RETRY_SECONDS)) - 1]
    SurveyRun.objects.filter(pk=run.pk, fence=fence).update(
        attempts=attempts, next_attempt_at=clock.now() + timedelta(seconds=wait)
    )


def _tell(run: SurveyRun, reply: Reply, key: str) -> None:
    contact = Contact.objects.only("opted_out_at").get(pk=run.conversation.contact_id)
    if contact.opted_out_at is None:
        queue_reply(conversation=run.conversation, reply=reply, turn_id=key)


def _fresh(response: SurveyResponse) -> VoiceSession:
    return VoiceSession.objects.select_related("company").get(pk=response.voice_session_id)


def _set(run: SurveyRun, state: SurveyRunState) -> None:
    run.state = state
    SurveyRun.objects.filter(pk=run.pk).filter(~Q(state=state)).update(state=state)

"""Start: from a press of the button to a session that is ready, with its pay reserved.

Owns who may start (open survey, consent, one answer a respondent) and the making of the rows. The
briefing is written before the one short transaction that makes everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import User
from agents.interview.factory import get_targeting_agent
from agents.interview.targeting.builtin import BuiltinTargetingAgent
from agents.interview.types import Briefing, Question, TargetingRequest, Visitor
from agents.llm.allowance import may_call_model
from core import clock, tokens
from core.errors import ConflictError, GoneError, InvalidInputError, NotFoundError
from core.text import clean_text
from sessions.models import EndReason, SessionKind, SessionMode, Transport
from sessions.services.conversations import create_session
from sessions.services.endings import end_session
from surveys.models import (
    ResponseState,
    Survey,
    SurveyResponse,
    SurveyStatus,
    SurveyVersion,
    Wallet,
)
from surveys.selectors.insights import earlier_insights
from surveys.selectors.responses import has_met_company
from surveys.services import funnel, identity, reservations, wallets
from surveys.services.identity import SignedUser
from surveys.services.surveys import current_version
from surveys.services.targeting import check_eligible

RECEIPT_PREFIX = "rt_"
ATTRIBUTES_MAX = 20
ATTRIBUTE_NAME_MAX = 60
ATTRIBUTE_VALUE_MAX = 200
DEVICE_KEY_MAX = 100
COMMIT_SECONDS = 0.3
"""Kept back from the targeting agent's deadline for making the rows."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """What a visitor's page, or a company's server, sends to start."""

    has_origin: bool = False
    """The request came from a web page, where somebody must have agreed first."""
    consent: bool = False
    user: SignedUser | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    device_key: str = ""
    account_token: str = ""
    """Of the person who is signed in on our own hosted page: the pay is theirs at once."""
    receipt_token: str = ""
    """Of an earlier answer: its wallet is the respondent."""
    session_token: str = ""
    """Of a session that is still open: it goes on."""
    address: str = ""
    transport: Transport = Transport.TYPING
    """What carries the words; a page may switch to sound later."""


@dataclass(frozen=True, slots=True)
class StartedResponse:
    """A session that is ready. The tokens are shown this once; on a resume there are none."""

    response: SurveyResponse
    briefing: Briefing
    session_token: str
    receipt_token: str | None
    device_key: str | None
    is_resumed: bool


@dataclass(frozen=True, slots=True)
class _Respondent:
    key: str
    account: User | None
    """Signed in with us: their wallet takes the pay, whatever this browser earned before."""
    wallet: Wallet | None
    """Of an earlier receipt."""
    signed_user_hash: str
    device_hash: str
    device_key: str | None


def start_response(*, survey: Survey, request: StartRequest) -> StartedResponse:
    """Make a session for one respondent and reserve the highest pay for it.

    A session of the same respondent that is still open goes on when its token is shown (and
    nobody else is signed in or signed for), else it is ended and its reservation released. The
    targeting agent is asked outside of any transaction, within SURVEY_START_SECONDS; then one
    short transaction makes session, response and reservation, or none of them.

    Raises:
        ConflictError: not open (``survey_not_active``), not for this visitor (``not_eligible``),
            answered before (``already_answered``), no money or no place left.
        GoneError: the survey is closed.
        AuthenticationFailedError: the signed user does not check out.
        InvalidInputError: a page asked without the visitor's consent, or attributes or keys
            cannot be used.
    """
    started_at = clock.monotonic()
    _check_open(survey)
    if request.has_origin and not request.consent and not request.session_token:
        raise InvalidInputError(
            "consent_required",
            'Show the visitor the consent text and start with "consent": true once they agree.',
        )
    attributes = _clean_attributes(request.attributes)
    respondent = _find_respondent(survey, request)
    resumed = _resume(survey, respondent, request)
    if resumed is not None:
        return resumed
    _refuse_second_answer(_places_held(survey, respondent))
    is_returning = has_met_company(survey.company, device_hash=respondent.device_hash)
    check_eligible(survey.targeting, attributes=attributes, is_returning=is_returning)
    version = current_version(survey)
    language = choose_language(version, request.language)
    left = settings.SURVEY_START_SECONDS - COMMIT_SECONDS - (clock.monotonic() - started_at)
    briefing = write_briefing(
        survey=survey,
        version=version,
        visitor=Visitor(language=language, returning=is_returning, attributes=attributes),
        deadline_seconds=max(0.1, left),
    )
    if not request.consent:
        # Nobody has shown the text yet, so the agent says it before anything else.
        briefing = replace(briefing, opening_notice=version.consent_text)
    try:
        return _make_rows(survey, version, respondent, request, briefing, attributes, is_returning)
    except IntegrityError:
        # Another start of the same respondent was first; its session is the open one.
        _refuse_second_answer(_places_held(survey, respondent))
        raise ConflictError(
            "start_in_progress", "Another start of yours was just answered. Try again."
        ) from None


def choose_language(version: SurveyVersion, wanted: str) -> str:
    """Return the survey's language that fits best: the wanted one, its family, else the first.

    Args:
        wanted: a language tag or an Accept-Language list, best first; may be empty.
    """
    offered: list[str] = list(version.languages) or ["en"]
    for part in wanted.split(","):
        tag = part.partition(";")[0].strip().replace("_", "-").lower()
        if not tag:
            continue
        exact = [language for language in offered if language.lower() == tag]
        family = [
            language
            for language in offered
            if language.lower().partition("-")[0] == tag.partition("-")[0]
        ]
        if exact or family:
            return (exact or family)[0]
    return offered[0]


def write_briefing(
    *, survey: Survey, version: SurveyVersion, visitor: Visitor, deadline_seconds: float
) -> Briefing:
    """Have the targeting agent prepare one interview. No transaction may be open."""
    agent = get_targeting_agent() if may_call_model(survey.company) else BuiltinTargetingAgent()
    return agent.write_briefing(
        TargetingRequest(
            title=version.title,
            objective=version.objective,
            description=version.description,
            questions=tuple(Question.from_json(item) for item in version.questions),
            visitor=visitor,
            max_minutes=version.max_minutes,
            earlier=earlier_insights(survey),
        ),
        deadline_seconds=deadline_seconds,
    )


def _check_open(survey: Survey) -> None:
    if survey.status == SurveyStatus.CLOSED:
        raise GoneError("survey_closed", "This survey is closed. Thank you for your interest.")
    if survey.status != SurveyStatus.ACTIVE:
        raise ConflictError(
            "survey_not_active", "This survey is not open right now. Please come back later."
        )


def _clean_attributes(raw: Mapping[str, str]) -> dict[str, str]:
    problem = InvalidInputError(
        "invalid_attributes",
        f"Send at most {ATTRIBUTES_MAX} attributes; names of at most {ATTRIBUTE_NAME_MAX} and "
        f"texts of at most {ATTRIBUTE_VALUE_MAX} characters.",
    )
    if len(raw) > ATTRIBUTES_MAX:
        raise problem
    clean: dict[str, str] = {}
    for name, value in raw.items():
        if len(name) > ATTRIBUTE_NAME_MAX or len(value) > ATTRIBUTE_VALUE_MAX:
            raise problem
        key = clean_text(name, ATTRIBUTE_NAME_MAX).text
        if not key:
            raise problem
        clean[key] = clean_text(value, ATTRIBUTE_VALUE_MAX).text
    return clean


def _find_respondent(survey: Survey, request: StartRequest) -> _Respondent:
    signed = ""
    if request.user is not None:
        signed = identity.verify_signed_user(survey=survey, user=request.user)
    account = None
    if request.account_token and not signed:
        account = identity.user_of_account_token(survey=survey, token=request.account_token)
    wallet = _wallet_of(request.receipt_token)
    if len(request.device_key) > DEVICE_KEY_MAX:
        raise InvalidInputError(
            "invalid_device_key", f"A device_key has at most {DEVICE_KEY_MAX} characters."
        )
    device_key = request.device_key or identity.new_device_key()
    device_hash = identity.hash_device(device_key)
    key = identity.respondent_key(
        signed_user_hash=signed,
        account_id=str(account.pk) if account else "",
        wallet_id=wallet.public_id if wallet else "",
        device_hash=device_hash,
    )
    own_device_key = None if request.device_key else device_key
    return _Respondent(key, account, wallet, signed, device_hash, own_device_key)


def _wallet_of(receipt_token: str) -> Wallet | None:
    """Return the wallet of an earlier receipt; one that has expired names nobody any more."""
    if not receipt_token:
        return None
    try:
        return wallets.wallet_by_receipt(tokens.digest(receipt_token))
    except NotFoundError:
        return None


def _places_held(survey: Survey, respondent: _Respondent) -> list[SurveyResponse]:
    """Return the responses that hold this respondent's place, the settled ones first.

    A person whom nobody signed for is also known by the wallet and by the device, each by itself:
    else whoever answered by device could answer again by receipt, and the other way round.
    """
    same_person = Q(respondent_key=respondent.key)
    if not respondent.signed_user_hash:
        same_person |= Q(device_hash=respondent.device_hash)
        if respondent.wallet is not None:
            same_person |= Q(wallet=respondent.wallet)
        if respondent.account is not None:
            same_person |= Q(wallet__user=respondent.account)
            same_person |= Q(wallet__merged_into__user=respondent.account)
    held = SurveyResponse.objects.filter(
        same_person, survey=survey, holds_respondent_slot=True
    ).select_related("voice_session", "version", "survey__company", "wallet")
    return sorted(held, key=lambda response: response.state == ResponseState.OPEN)


def _resume(
    survey: Survey, respondent: _Respondent, request: StartRequest
) -> StartedResponse | None:
    """Return the open session whose token was shown, its reservation taken again if it lapsed."""
    if not request.session_token:
        return None
    response = (
        SurveyResponse.objects.filter(
            survey=survey,
            state=ResponseState.OPEN,
            voice_session__token_digest=tokens.digest(request.session_token),
            voice_session__token_expires_at__gt=clock.now(),
        )
        .select_related("voice_session", "version", "survey__company", "wallet")
        .first()
    )
    if response is None or response.voice_session.briefing is None:
        return None
    if not _may_be_theirs(response, respondent):
        return None
    reservations.renew(response=response)
    return StartedResponse(
        response=response,
        briefing=Briefing.from_json(response.voice_session.briefing),
        session_token=request.session_token,
        receipt_token=None,
        device_key=None,
        is_resumed=True,
    )


def _may_be_theirs(response: SurveyResponse, respondent: _Respondent) -> bool:
    """Say whether a session may go on for who asks.

    A token alone is enough, as long as nobody says who they are. On a shared device it may be
    somebody else's: who signs in, or is signed for, does not go on with what another began.
    """
    if not respondent.signed_user_hash and respondent.account is None:
        return True
    if response.respondent_key == respondent.key:
        return True
    account = respondent.account
    return account is not None and wallets.root_of(response.wallet).user_id == account.pk


def _refuse_second_answer(held: Sequence[SurveyResponse]) -> None:
    if held and held[0].state != ResponseState.OPEN:
        raise ConflictError(
            "already_answered",
            "You have answered this survey already; each person is paid once. Thank you!",
        )


def _make_rows(
    survey: Survey,
    version: SurveyVersion,
    respondent: _Respondent,
    request: StartRequest,
    briefing: Briefing,
    attributes: dict[str, str],
    is_returning: bool,
) -> StartedResponse:
    now = clock.now()
    receipt = tokens.mint(RECEIPT_PREFIX)
    with transaction.atomic():
        held = _places_held(survey, respondent)
        _refuse_second_answer(held)
        for older in held:
            # Ending it releases its reservation and frees the place (completion's listener).
            end_session(voice_session=older.voice_session, reason=EndReason.STOPPED)
        created = create_session(
            kind=SessionKind.SURVEY,
            company=survey.company,
            mode=SessionMode.TEXT,
            transport=request.transport,
            language=briefing.language,
            allowed_origins=survey.allowed_origins,
            briefing=briefing,
            max_seconds=version.max_minutes * 60,
        )
        response = SurveyResponse.objects.create(
            voice_session=created.session,
            survey=survey,
            version=version,
            wallet=_wallet_for_pay(respondent),
            receipt_digest=receipt.digest,
            receipt_expires_at=now + timedelta(days=settings.SURVEY_RECEIPT_DAYS),
            respondent_key=respondent.key,
            device_hash=respondent.device_hash,
            ip_hash=identity.hash_address(request.address),
            attributes=attributes,
            is_returning=is_returning,
            consented_at=now if request.consent else None,
        )
        reservations.reserve(response=response)
        funnel.count_step(survey=survey, step="started")
    return StartedResponse(
        response=response,
        briefing=briefing,
        session_token=created.token_plain,
        receipt_token=receipt.plain,
        device_key=respondent.device_key,
        is_resumed=False,
    )


def _wallet_for_pay(respondent: _Respondent) -> Wallet:
    if respondent.account is not None:
        return wallets.open_wallet(user=respondent.account)
    if respondent.wallet is not None and not respondent.signed_user_hash:
        return respondent.wallet
    return wallets.open_wallet(signed_user_hash=respondent.signed_user_hash)


def preview_briefing(*, survey: Survey, language: str = "") -> Briefing:
    """Return the briefing a visitor of whom nothing is known would get, for the builder."""
    version = current_version(survey)
    return write_briefing(
        survey=survey,
        version=version,
        visitor=Visitor(language=choose_language(version, language)),
        deadline_seconds=settings.SURVEY_START_SECONDS,
    )

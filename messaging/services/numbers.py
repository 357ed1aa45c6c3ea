"""Connects a company's WhatsApp numbers and changes them. Keys stand in the environment only.

All numbers of an installation are sent from with its own tokens, and whoever connects an id reads
what people write to it. So on the cloud back end connecting one needs a right that an administrator
of the installation gives; the simulator reaches nobody, and everybody who edits the shop may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import Company, User
from core import audit, clock
from core.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from core.text import clean_text
from messaging.models import BusinessNumber
from messaging.whatsapp.factory import CLOUD

RIGHT = "messaging.add_businessnumber"
"""The one the admin asks for, too."""
PAUSED = "paused"
"""Stop code of a number that a person stopped; WhatsApp's own are numbers."""
NUMBERS_MAX = 50
LANGUAGES = {"es": "Spanish", "en": "English"}
_ID = re.compile(r"[0-9]{5,32}")
_DISPLAYED = re.compile(r"\+?[0-9 ().-]+")


def may_connect(actor: User) -> bool:
    """Tell whether somebody may say which of Meta's numbers is their company's."""
    return settings.WHATSAPP_BACKEND != CLOUD or actor.has_perm(RIGHT)


def key_source_of(phone_number_id: str) -> str:
    """Return the variable that holds a number's access token.

    Empty when none does and so nothing can be sent; the simulator needs none.
    """
    if settings.WHATSAPP_BACKEND != CLOUD:
        return "simulator"
    if settings.WHATSAPP_TOKENS.get(phone_number_id):
        return "WHATSAPP_TOKENS"
    # An empty entry of its own is used as it stands, and nothing goes out.
    if phone_number_id in settings.WHATSAPP_TOKENS or not settings.WHATSAPP_TOKEN:
        return ""
    return "WHATSAPP_TOKEN"


def add_number(*, company: Company, fields: Mapping[str, str], actor: User) -> BusinessNumber:
    """Connect a number to a company.

    Args:
        company: whose.
        fields: label, display_number, phone_number_id, default_language.
        actor: who does it.

    Raises:
        ForbiddenError: the actor may not connect numbers of this installation.
        InvalidInputError: a field cannot be used; ``extra["errors"]`` names each.
        ConflictError: the id is connected already, or the company has too many numbers.

    One transaction.
    """
    _check_right(actor)
    with transaction.atomic():
        number = BusinessNumber(company=company)
        _set_fields(number, fields)
        if BusinessNumber.objects.filter(company=company).count() >= NUMBERS_MAX:
            raise ConflictError("too_many_numbers", f"Keep at most {NUMBERS_MAX} numbers.")
        _save(number)
        _record(number, actor, "number.added", note=number.phone_number_id)
    return number


def change_number(*, number: BusinessNumber, fields: Mapping[str, str], actor: User) -> None:
    """Change a number; its conversations stay with it, and what is not given stays.

    Args:
        number: of the actor's company.
        fields: see `add_number`.
        actor: who does it.

    Raises:
        ForbiddenError: another id, and the actor may not connect numbers of this installation.
        InvalidInputError: a field cannot be used; ``extra["errors"]`` names each.
        ConflictError: the id is connected already, or the number is switched off.
        NotFoundError: the number is gone.

    One transaction.
    """
    with transaction.atomic():
        row = _lock(number)
        old_id = row.phone_number_id
        _set_fields(row, fields)
        is_moved = row.phone_number_id != old_id
        if is_moved:
            _check_right(actor)
            if not row.is_active:
                # Its id stays taken, or the company could connect it anew.
                raise ConflictError(
                    "number_off",
                    "This number is switched off: an administrator of this installation "
                    "switches it on before its id can change.",
                )
        _save(row)
        note = f"{old_id} to {row.phone_number_id}" if is_moved else ""
        _record(row, actor, "number.changed", note=note)


def pause_number(*, number: BusinessNumber, actor: User) -> None:
    """Send nothing from a number until a person resumes it; what people write is kept.

    A number that WhatsApp stopped keeps its code.

    Raises:
        NotFoundError: the number is gone.
    """
    with transaction.atomic():
        row = _lock(number)
        if row.stopped_at is None:
            row.stopped_at, row.stop_code = clock.now(), PAUSED
            row.save(update_fields=["stopped_at", "stop_code"])
            _record(row, actor, "number.paused")


def _check_right(actor: User) -> None:
    if not may_connect(actor):
        raise ForbiddenError(
            "may_not_connect",
            "Connecting a number needs the right to add WhatsApp numbers, because it is sent from "
            "with this installation's keys. An administrator gives it.",
        )


def _lock(number: BusinessNumber) -> BusinessNumber:
    row = (
        BusinessNumber.objects.select_for_update(of=("self",))
        .select_related("company")
        .filter(pk=number.pk)
        .first()
    )
    if row is None:
        raise NotFoundError("number_not_found", "There is no number with this id.")
    return row


def _set_fields(number: BusinessNumber, fields: Mapping[str, str]) -> None:
    problems: dict[str, str] = {}
    if "label" in fields:
        number.label = clean_text(fields["label"], 80).text
    displayed = fields.get("display_number", number.display_number).strip()
    # What an administrator wrote in another way stands until somebody changes it.
    if displayed != number.display_number or not displayed:
        digits = sum(one.isdigit() for one in displayed)
        if len(displayed) > 32 or not 7 <= digits <= 15 or not _DISPLAYED.fullmatch(displayed):
            problems["display_number"] = "Give the number as people dial it: +52 55 1234 5678."
        number.display_number = displayed
    phone_number_id = fields.get("phone_number_id", number.phone_number_id).strip()
    if phone_number_id != number.phone_number_id or not phone_number_id:
        if not _ID.fullmatch(phone_number_id):
            problems["phone_number_id"] = (
                "The phone number ID is 5 to 32 digits without spaces; Meta shows it beside the "
                "number. It is not the number itself."
            )
        number.phone_number_id = phone_number_id
    language = fields.get("default_language", number.default_language)
    if language not in LANGUAGES and language != number.default_language:
        problems["default_language"] = f"Choose one of {', '.join(LANGUAGES.values())}."
    number.default_language = language
    if problems:
        raise InvalidInputError(
            "invalid_fields",
            "Some fields cannot be used: " + " ".join(problems.values()),
            extra={"errors": problems},
        )


def _save(number: BusinessNumber) -> None:
    # Only what a form holds: senders move the slot and the stop of the same row.
    written = ("label", "display_number", "phone_number_id", "default_language")
    try:
        with transaction.atomic():
            if number._state.adding:
                number.save(force_insert=True)
            else:
                number.save(update_fields=written)
    except IntegrityError as error:
        raise _taken(number) from error


def _taken(number: BusinessNumber) -> ConflictError:
    own = BusinessNumber.objects.filter(
        company_id=number.company_id, phone_number_id=number.phone_number_id
    ).first()
    if own is not None:
        return ConflictError(
            "number_taken", f"Your company has this phone number ID already: {own}."
        )
    # Whose it is, is nobody else's business.
    return ConflictError(
        "number_taken",
        "This phone number ID cannot be connected: it is in use already. See that it is yours; "
        "then ask an administrator of this installation.",
    )


def _record(number: BusinessNumber, actor: User, action: str, *, note: str = "") -> None:
    audit.record_event(
        actor=actor, action=action, object_ref=number, company=number.company, note=note
    )

"""A person's second factor: a time-based code, and recovery codes for the day the phone is lost.

Owns enrolling and checking. Rests on django-otp's devices, which throttle wrong codes themselves.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from django.db import transaction
from django_otp import devices_for_user, match_token
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from core import audit
from core.errors import InvalidInputError

RECOVERY_CODES = 10


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs."""

    uri: str
    """``otpauth://`` address, for the app's link or a QR code."""
    secret: str
    """The same secret in base 32, in groups of four, for typing."""


def has_second_factor(user: User) -> bool:
    """Tell whether signing in asks this person for a code."""
    return any(devices_for_user(user, confirmed=True))


def begin_enrolment(*, user: User) -> Enrolment:
    """Return the secret of the device being set up; asked again, it is the same one."""
    device, _ = TOTPDevice.objects.get_or_create(
        user=user, confirmed=False, defaults={"name": "Authenticator app"}
    )
    secret = base64.b32encode(device.bin_key).decode("ascii").rstrip("=")
    groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return Enrolment(uri=device.config_url, secret=groups)


def confirm_enrolment(*, user: User, code: str) -> tuple[str, ...]:
    """Switch the second factor on and return the recovery codes, shown this once.

    Raises:
        InvalidInputError: no set-up was begun, or the code is not the one shown now.
    """
    device = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    if device is None or not device.verify_token(code):
        raise InvalidInputError(
            "wrong_code",
            "This is not the code the app shows now. Check the clock of your phone and try again.",
        )
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=True).delete()
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        codes = _replace_recovery_codes(user)
        audit.record_event(actor=user, action="second_factor.on", object_ref=user.public_id)
    return codes


def _replace_recovery_codes(user: User) -> tuple[str, ...]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Recovery codes", confirmed=True)
    codes = tuple(StaticToken.random_token() for _ in range(RECOVERY_CODES))
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def check_code(*, user: User, code: str) -> object | None:
    """Return the device a code belongs to, or None. A recovery code is used up by it."""
    device: object | None = match_token(user, code)
    return device


def switch_off(*, user: User, code: str) -> None:
    """Remove the second factor.

    Raises:
        InvalidInputError: the code is wrong; nothing changes.
    """
    if check_code(user=user, code=code) is None:
        raise InvalidInputError("wrong_code", "This code is not valid. Nothing was changed.")
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        audit.record_event(actor=user, action="second_factor.off", object_ref=user.public_id)

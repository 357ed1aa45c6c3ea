"""Who answers: users signed by the company's server, wallets, devices, all as keyed hashes.

Owns the derivation of every key used for them. Stores nothing and knows no HTTP.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.core import signing

from accounts.models import Company, User
from core import clock
from core.errors import AuthenticationFailedError
from surveys.models import Survey

SIGNATURE_MAX_AGE_SECONDS = 24 * 3600
"""A signature may not claim to live longer than this."""
CLOCK_LEEWAY_SECONDS = 60
ACCOUNT_TOKEN_SECONDS = 12 * 3600
"""How long a hosted page may stay open before its visitor counts as nobody known."""
_ACCOUNT_SALT = "surveys.account-token"


@dataclass(frozen=True, slots=True)
class SignedUser:
    """What a company's server says of its visitor: ``hmac`` is over ``survey_id|user_id|exp``."""

    user_id: str
    exp: int
    hmac: str


@lru_cache(maxsize=32)
def _derive(purpose: str, key: str) -> bytes:
    return hmac.new(key.encode(), f"parley.{purpose}".encode(), hashlib.sha256).digest()


def derive_key(purpose: str) -> bytes:
    """Return the 32-byte key of one purpose, derived from SECRET_KEY."""
    return _derive(purpose, settings.SECRET_KEY)


def _keyed_hash(purpose: str, value: str) -> str:
    return hmac.new(derive_key(purpose), value.encode(), hashlib.sha256).hexdigest()


def _identity_secrets(company: Company) -> Iterator[str]:
    """Yield the secret under the present SECRET_KEY, then under those it replaced."""
    scope = f"identity|{company.public_id}|{company.identity_secret_version}"
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield _derive(scope, key).hex()


def identity_secret(company: Company) -> str:
    """Return the secret a company's own server signs its users with (shown on the install page).

    It is derived, not stored: raising ``identity_secret_version`` makes the old one worthless.
    """
    return next(_identity_secrets(company))


def sign_user(*, secret: str, survey_id: str, user_id: str, exp: int) -> str:
    """Return the hex HMAC-SHA256 a company's server sends along with its user's id."""
    message = f"{survey_id}|{user_id}|{exp}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def verify_signed_user(*, survey: Survey, user: SignedUser) -> str:
    """Return the keyed hash of a user the company vouches for.

    The hash is the same for one user over all surveys of a company.

    Raises:
        AuthenticationFailedError: the signature is wrong, too old, or promises too long a life.
    """
    now = clock.now().timestamp()
    expected = [
        sign_user(secret=secret, survey_id=survey.public_id, user_id=user.user_id, exp=user.exp)
        for secret in _identity_secrets(survey.company)
    ]
    # Every candidate is compared, so that the time taken says nothing about which one matched.
    given = user.hmac.strip().encode()
    matched = sum(hmac.compare_digest(given, candidate.encode()) for candidate in expected)
    if not matched:
        raise AuthenticationFailedError(
            "invalid_user_signature",
            "The user's signature does not match. Sign 'survey_id|user_id|exp' with the identity "
            "secret of the install page, as hex HMAC-SHA256.",
        )
    if user.exp < now - CLOCK_LEEWAY_SECONDS:
        raise AuthenticationFailedError(
            "user_signature_expired",
            "The user's signature has expired. Sign a fresh one and start again.",
        )
    if user.exp > now + SIGNATURE_MAX_AGE_SECONDS + CLOCK_LEEWAY_SECONDS:
        raise AuthenticationFailedError(
            "user_signature_too_long",
            "The user's signature may live 24 hours at most. Sign one with a nearer 'exp'.",
        )
    return _keyed_hash("signed-user", f"{survey.company.public_id}|{user.user_id}")


def hash_device(device_key: str) -> str:
    """Return the keyed hash under which a device is remembered."""
    return _keyed_hash("device", device_key)


def hash_address(address: str) -> str:
    """Return the keyed hash under which a network address is remembered, or nothing for none."""
    return _keyed_hash("address", address) if address else ""


def new_device_key() -> str:
    """Return a fresh key for a visitor who brought none; the widget keeps it."""
    return f"dev_{secrets.token_urlsafe(24)}"


def account_token(*, survey: Survey, user: User) -> str:
    """Return what the hosted page of a survey shows at a start for the person who is signed in.

    The widget's routes take no cookie, so the page that was sent to the person says who they are.
    It names one person and one survey, and all it can do is to have pay credited to that person.
    """
    return signing.dumps([survey.public_id, user.pk], salt=_ACCOUNT_SALT, compress=False)


def user_of_account_token(*, survey: Survey, token: str) -> User | None:
    """Return the person a hosted page of this survey was sent to; None once it is too old.

    Raises:
        AuthenticationFailedError: it is not ours, or of another survey.
    """
    try:
        survey_id, user_pk = signing.loads(token, salt=_ACCOUNT_SALT, max_age=ACCOUNT_TOKEN_SECONDS)
    except signing.SignatureExpired:
        return None
    except (signing.BadSignature, ValueError):
        survey_id = user_pk = None
    if survey_id != survey.public_id:
        raise AuthenticationFailedError(
            "invalid_account_token",
            "This page does not say who you are in a way we can check. Reload it.",
        )
    return User.objects.filter(pk=user_pk, is_active=True).first()


def respondent_key(
    *,
    signed_user_hash: str = "",
    account_id: str = "",
    wallet_id: str = "",
    device_hash: str = "",
) -> str:
    """Return the key one person answers a survey under.

    It is the company's signed user, else the account with us, else the wallet, else the device.

    Raises:
        ValueError: none of them is there.
    """
    for kind, value in (
        ("user", signed_user_hash),
        ("account", account_id),
        ("wallet", wallet_id),
        ("device", device_hash),
    ):
        if value:
            return _keyed_hash("respondent", f"{kind}|{value}")
    raise ValueError("a respondent needs a signed user, an account, a wallet or a device")

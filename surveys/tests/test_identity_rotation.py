"""A leaked identity secret is replaced, and what it signed is worthless from then on."""

from __future__ import annotations

import hashlib
import hmac
import time

import pytest

from accounts.models import Company, User
from core.models import AuditEvent
from surveys.services.identity import identity_secret
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db


def _signed(survey_id: str, secret: str) -> dict[str, object]:
    expires = int(time.time()) + 600
    message = f"{survey_id}|customer-7|{expires}"
    digest = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return {"user_id": "customer-7", "exp": expires, "hmac": digest}


def test_the_old_secret_signs_nobody_any_more(acme: Company, ana: User, browser_of) -> None:
    survey = make_survey(acme)
    old = identity_secret(acme)

    answer = browser_of(ana).post("/console/identity/rotate/")

    acme.refresh_from_db()
    new = identity_secret(acme)
    assert answer["Location"] == "/console/install/"
    assert new != old
    Visitor(survey).start(expect=401, user=_signed(survey.public_id, old))
    Visitor(survey).start(user=_signed(survey.public_id, new))
    assert AuditEvent.objects.filter(action="identity_secret.rotated").count() == 1


def test_only_owners_replace_it(acme: Company, beto: User, browser_of) -> None:
    before = identity_secret(acme)

    assert browser_of(beto).post("/console/identity/rotate/").status_code == 404

    acme.refresh_from_db()
    assert identity_secret(acme) == before

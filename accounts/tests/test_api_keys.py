"""Company keys: shown once, stored as a hash, several at a time, worthless when revoked."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.models import CompanyKey
from accounts.services.api_keys import authenticate_api_key, create_api_key, revoke_api_key
from core import clock
from core.errors import AuthenticationFailedError
from core.models import AuditEvent

pytestmark = pytest.mark.django_db


def test_only_a_hash_and_a_beginning_are_stored(acme):
    created = create_api_key(company=acme, name="shop")

    stored = CompanyKey.objects.values().get()
    assert created.plain.startswith("sk_")
    assert len(created.plain) >= 46
    assert created.plain not in str(stored)
    assert stored["prefix"] == created.plain[:11]


def test_two_keys_work_side_by_side_and_one_is_revoked_alone(acme, ana):
    old, new = (create_api_key(company=acme, name=name) for name in ("old", "new"))

    revoke_api_key(key=old.row, actor=ana)
    revoke_api_key(key=old.row, actor=ana)

    assert authenticate_api_key(new.plain).company == acme
    with pytest.raises(AuthenticationFailedError):
        authenticate_api_key(old.plain)
    assert AuditEvent.objects.filter(action="api_key.revoked").count() == 1


def test_an_expired_key_is_refused(acme):
    created = create_api_key(
        company=acme, name="short", expires_at=clock.now() + timedelta(hours=1)
    )
    assert authenticate_api_key(created.plain).pk == created.row.pk

    with (
        time_machine.travel(clock.now() + timedelta(hours=1, seconds=1)),
        pytest.raises(AuthenticationFailedError),
    ):
        authenticate_api_key(created.plain)


def test_use_is_noted_once_a_minute(acme, django_assert_num_queries):
    created = create_api_key(company=acme, name="busy")
    authenticate_api_key(created.plain)
    first = CompanyKey.objects.get().last_used_at

    authenticate_api_key(created.plain)

    assert first is not None
    assert CompanyKey.objects.get().last_used_at == first


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer sk_wrong", "invalid_api_key"),
        ("Bearer", "invalid_authorization"),
        ("Bearer a b", "invalid_authorization"),
        ("Bearer \xff", "invalid_authorization"),
    ],
)
def test_bad_credentials_are_401_with_what_to_do(api, header, code):
    api.credentials(HTTP_AUTHORIZATION=header)

    answer = api.get("/surveys")

    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code


def test_a_key_in_the_address_opens_nothing(api, acme):
    plain = create_api_key(company=acme, name="leaky").plain

    assert api.get(f"/surveys?key={plain}&token={plain}&api_key={plain}").status_code == 401


def test_the_page_shows_a_new_key_once(browser_of, ana, acme):
    browser = browser_of(ana)

    made = browser.post("/console/keys/", {"name": "shop server"}).content.decode()
    later = browser.get("/console/keys/").content.decode()

    plain = re.search(r"sk_[\w-]{43}", made).group()
    assert authenticate_api_key(plain).name == "shop server"
    assert plain not in later
    assert plain[:11] in later


def test_keys_are_for_owners_of_the_company(browser_of, ana, acme, beto, carla, globex):
    key = create_api_key(company=acme, name="shop").row

    assert browser_of(beto).get("/console/keys/").status_code == 404
    assert browser_of(carla).post(f"/console/keys/{key.public_id}/revoke/").status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None

    answer = browser_of(ana).post(f"/console/keys/{key.public_id}/revoke/")
    key.refresh_from_db()
    assert answer.status_code == 302
    assert key.revoked_at is not None


def test_the_command_prints_the_key_and_nothing_else(acme):
    out = StringIO()

    call_command("create_api_key", company=acme.slug, stdout=out)

    assert authenticate_api_key(out.getvalue().strip()).company == acme


def test_the_command_names_an_unknown_company(db):
    with pytest.raises(CommandError, match="There is no company 'nope'"):
        call_command("create_api_key", company="nope")


def test_an_identifier_no_row_can_have_is_not_found(browser_of, ana, acme):
    assert browser_of(ana).post("/console/keys/key_%00/revoke/").status_code == 404


def test_wrong_keys_of_one_address_are_limited_and_right_ones_are_not(acme, api):
    right = create_api_key(company=acme, name="shop").plain
    wrong = [
        api.get("/surveys", headers={"Authorization": f"Bearer sk_{number:043d}"}).status_code
        for number in range(32)
    ]

    assert wrong == [401] * 30 + [429] * 2
    assert api.get("/surveys", headers={"Authorization": f"Bearer {right}"}).status_code == 200

"""Signing up, in and out; the second factor; where a person may be sent next."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import Company, Profile, User
from accounts.services import second_factor
from accounts.tests.factories import PASSWORD
from core.models import AuditEvent

pytestmark = pytest.mark.django_db

SIGN_UP = {
    "full_name": "Nora Vidal",
    "email": "Nora@Example.test",
    "password": "slow-otter-lamp-9",
    "company_name": "",
}


def _is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def test_signing_up_makes_a_person_with_a_profile_and_signs_them_in(client):
    answer = client.post("/account/signup/", SIGN_UP)

    person = User.objects.get(email="nora@example.test")
    assert (answer.status_code, answer["Location"]) == (302, "/onboarding/")
    assert Profile.objects.get(user=person).plan == "starter"
    assert Company.objects.count() == 0
    assert _is_signed_in(client)


def test_signing_up_with_a_company_opens_its_console(client):
    answer = client.post("/account/signup/", {**SIGN_UP, "company_name": "Vidal & Co"})

    assert answer["Location"] == "/console/"
    assert Company.objects.get().memberships.get().role == "owner"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"email": "ANA@acme.test"}, "already has an account"),
        ({"email": "no address"}, "valid email"),
        ({"password": "12345678"}, "too common"),
        ({"password": "nora@example.test"}, "too similar"),
        ({"full_name": "\u200b\u202e "}, "required"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_made(client, ana, change, words):
    answer = client.post("/account/signup/", {**SIGN_UP, **change})

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert User.objects.count() == 1
    assert not _is_signed_in(client)


def test_signing_in_takes_the_address_in_any_case(client, ana):
    answer = client.post("/account/login/", {"username": "ANA@acme.test", "password": PASSWORD})

    assert answer.status_code == 302
    assert _is_signed_in(client)


def test_a_wrong_password_says_the_same_for_known_and_unknown_people(client, ana):
    pages = [
        re.sub(
            r"csrf\w*\" value=\"\w+\"|value=\"[^\"]*@[^\"]*\"",
            "",
            client.post(
                "/account/login/", {"username": address, "password": "wrong"}
            ).content.decode(),
        )
        for address in ("ana@acme.test", "bob@acme.test")
    ]

    assert pages[0] == pages[1]
    assert "do not fit together" in pages[0]


def test_too_many_wrong_passwords_lock_the_door_with_a_page_that_says_so(client, ana, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        last = client.post("/account/login/", {"username": ana.email, "password": "wrong"})

    right = client.post("/account/login/", {"username": ana.email, "password": PASSWORD})

    assert last.status_code == 429
    assert right.status_code == 429
    assert not _is_signed_in(client)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/history", "/history"),
        ("https://evil.test/", "/"),
        ("//evil.test/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\\evil.test", "/"),
    ],
)
def test_a_person_is_sent_on_within_this_site_only(client, ana, target, expected):
    answer = client.post(
        "/account/login/", {"username": ana.email, "password": PASSWORD, "next": target}
    )

    assert answer["Location"] == expected


def test_signing_out_needs_a_post(client, ana):
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get("/account/logout/").status_code == 405
    assert _is_signed_in(client)
    assert client.post("/account/logout/").status_code == 302
    assert not _is_signed_in(client)


def test_a_password_reset_does_not_tell_who_has_an_account(client, ana):
    known = client.post("/account/password/reset/", {"email": ana.email})
    unknown = client.post("/account/password/reset/", {"email": "bob@acme.test"})

    assert known["Location"] == unknown["Location"]
    (message,) = mail.outbox
    assert message.to == ["ana@acme.test"]


def test_the_mailed_link_sets_a_new_password_once(client, ana):
    client.post("/account/password/reset/", {"email": ana.email})
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body).group(1)
    form = client.get(link, follow=True)
    address = form.redirect_chain[-1][0]
    new = {"new_password1": "brave-heron-cup-4", "new_password2": "brave-heron-cup-4"}

    answer = client.post(address, new)

    ana.refresh_from_db()
    assert answer.status_code == 302
    assert ana.check_password("brave-heron-cup-4")
    assert "no longer works" in Client().get(link, follow=True).content.decode()


def _enrol(person: User) -> tuple[tuple[str, ...], TOTPDevice]:
    second_factor.begin_enrolment(user=person)
    device = TOTPDevice.objects.get(user=person)
    codes = second_factor.confirm_enrolment(user=person, code=f"{totp(device.bin_key):06d}")
    return codes, TOTPDevice.objects.get(user=person)


def _forget_wrong_codes(person: User) -> None:
    """Skip the pause that follows a wrong code."""
    for devices in (person.totpdevice_set, person.staticdevice_set):
        devices.update(throttling_failure_count=0, throttling_failure_timestamp=None)


def test_the_second_factor_stands_between_password_and_login(client, ana):
    codes, _ = _enrol(ana)

    first = client.post("/account/login/", {"username": ana.email, "password": PASSWORD})
    assert first["Location"] == "/account/login/code/"
    assert not _is_signed_in(client)
    wrong = client.post("/account/login/code/", {"code": "zzzzzz"})
    assert "not valid" in wrong.content.decode()
    assert not _is_signed_in(client)
    _forget_wrong_codes(ana)

    second = client.post("/account/login/code/", {"code": codes[0].upper()})

    assert second.status_code == 302
    assert _is_signed_in(client)


def test_a_recovery_code_works_once(client, ana):
    codes, _ = _enrol(ana)
    for expected in (302, 200):
        client.logout()
        client.post("/account/login/", {"username": ana.email, "password": PASSWORD})

        assert client.post("/account/login/code/", {"code": codes[0]}).status_code == expected


def test_the_code_page_alone_opens_nothing(client):
    assert client.post("/account/login/code/", {"code": "123456"})["Location"] == "/account/login/"


def test_enrolling_through_the_page_shows_recovery_codes_once(browser_of, ana):
    browser = browser_of(ana)
    page = browser.get("/account/security/").content.decode()
    device = TOTPDevice.objects.get(user=ana)
    wrong = browser.post("/account/security/", {"code": "000000x"})
    _forget_wrong_codes(ana)

    done = browser.post("/account/security/", {"code": f"{totp(device.bin_key):06d}"})

    assert "otpauth://totp/" in page
    assert "not the code" in wrong.content.decode()
    assert done.content.decode().count("<li>") >= second_factor.RECOVERY_CODES
    assert AuditEvent.objects.filter(action="second_factor.on").count() == 1


def test_switching_it_off_needs_a_code(browser_of, ana):
    codes, _ = _enrol(ana)
    browser = browser_of(ana)

    browser.post("/account/security/", {"code": "wrong1"})
    assert second_factor.has_second_factor(ana)

    _forget_wrong_codes(ana)
    browser.post("/account/security/", {"code": codes[1]})
    assert not second_factor.has_second_factor(ana)

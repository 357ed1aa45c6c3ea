"""Invitations: one open one an address, for that address alone, once, for seven days."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from accounts.models import Invitation, Membership, Role
from accounts.services import invitations
from accounts.tests.factories import make_user
from core import clock
from core.errors import ConflictError, ForbiddenError, GoneError, NotFoundError

pytestmark = pytest.mark.django_db


@pytest.fixture
def invited(ana, acme):
    return invitations.invite(company=acme, email=" New@Acme.test ", role=Role.MEMBER, actor=ana)


def test_the_token_is_stored_only_as_a_hash(invited):
    row = Invitation.objects.values().get()

    assert invited.plain.startswith("inv_")
    assert invited.plain not in str(row)
    assert row["email"] == "new@acme.test"


def test_the_person_invited_joins_with_the_role(invited, acme):
    person = make_user("new@acme.test")

    membership = invitations.accept_invitation(plain=invited.plain, user=person)

    assert (membership.company, membership.role) == (acme, "member")


def test_an_invitation_works_once(invited):
    person = make_user("new@acme.test")
    invitations.accept_invitation(plain=invited.plain, user=person)

    with pytest.raises(GoneError):
        invitations.accept_invitation(plain=invited.plain, user=person)

    assert Membership.objects.filter(user=person).count() == 1


def test_somebody_else_cannot_use_it(invited, carla, acme):
    with pytest.raises(ForbiddenError):
        invitations.accept_invitation(plain=invited.plain, user=carla)

    assert not Membership.objects.filter(company=acme, user=carla).exists()
    assert Invitation.objects.get().accepted_at is None


def test_it_ends_after_seven_days(invited):
    person = make_user("new@acme.test")

    with (
        time_machine.travel(clock.now() + timedelta(days=7, seconds=1)),
        pytest.raises(GoneError),
    ):
        invitations.accept_invitation(plain=invited.plain, user=person)

    assert not Membership.objects.filter(user=person).exists()


def test_a_second_invitation_replaces_the_first(invited, ana, acme):
    again = invitations.invite(company=acme, email="new@acme.test", role=Role.OPERATOR, actor=ana)

    with pytest.raises(GoneError):
        invitations.find_invitation(invited.plain)
    assert invitations.find_invitation(again.plain).role == Role.OPERATOR


def test_members_are_not_invited_again(ana, acme, beto):
    with pytest.raises(ConflictError) as refused:
        invitations.invite(company=acme, email="BETO@acme.test", role=Role.OWNER, actor=ana)

    assert refused.value.code == "already_member"
    assert Invitation.objects.count() == 0


def test_another_company_cannot_withdraw_it(invited, carla, globex):
    with pytest.raises(NotFoundError):
        invitations.revoke_invitation(company=globex, public_id=invited.row.public_id, actor=carla)

    assert invitations.find_invitation(invited.plain).pk == invited.row.pk


def test_the_mail_carries_the_token_behind_a_hash(browser_of, ana, acme):
    answer = browser_of(ana).post(
        "/console/team/", {"email": "new@acme.test", "role": "member"}, follow=True
    )

    assert "An invitation is on its way to new@acme.test" in answer.content.decode()
    (message,) = mail.outbox
    link = next(line for line in message.body.splitlines() if line.startswith("http"))
    path, _, token = link.partition("#")
    assert path == "http://testserver/account/invitation/"
    assert invitations.find_invitation(token).company == acme


def test_members_see_the_team_and_cannot_invite(browser_of, beto, acme):
    browser = browser_of(beto)

    page = browser.get("/console/team/")
    browser.post("/console/team/", {"email": "new@acme.test", "role": "owner"})

    assert page.status_code == 200
    assert "Send invitation" not in page.content.decode()
    assert Invitation.objects.count() == 0
    assert mail.outbox == []


def test_accepting_through_the_page_opens_the_console(browser_of, invited, acme):
    person = make_user("new@acme.test")

    answer = browser_of(person).post("/account/invitation/", {"token": invited.plain})

    assert answer.status_code == 302
    assert answer["Location"] == "/console/"
    assert Membership.objects.get(user=person).company == acme


def test_a_used_link_says_so_on_the_page(browser_of, invited, carla, globex):
    answer = browser_of(carla).post("/account/invitation/", {"token": "inv_wrong"})

    assert answer.status_code == 404
    assert "This invitation link is not valid." in answer.content.decode()

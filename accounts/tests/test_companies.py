"""Companies always have an owner, and roles change only by owners of the same company."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Company, Membership, Role
from accounts.services import companies
from core.errors import ConflictError, NotFoundError
from core.models import AuditEvent

pytestmark = pytest.mark.django_db


def test_create_company_makes_its_creator_the_owner(vera):
    company = companies.create_company(name="Vera's Shop", owner=vera)

    assert company.slug == "veras-shop"
    assert list(company.memberships.values_list("user", "role")) == [(vera.pk, "owner")]
    assert AuditEvent.objects.filter(action="company.created").count() == 1


def test_equal_names_get_slugs_of_their_own(ana):
    slugs = [companies.create_company(name="Same").slug for _ in range(3)]

    assert slugs == ["same", "same-2", "same-3"]


def test_a_name_without_letters_still_gets_a_slug(db):
    assert companies.create_company(name="日本").slug == "company"


def test_a_chosen_slug_that_is_taken_is_refused_and_nothing_is_made(db):
    companies.create_company(name="One", slug="one")

    with pytest.raises(ConflictError) as refused:
        companies.create_company(name="Two", slug="one")

    assert refused.value.code == "slug_taken"
    assert Company.objects.count() == 1


def test_the_last_owner_can_neither_step_down_nor_leave(ana, acme, beto):
    for change in (
        lambda: companies.change_role(
            company=acme, user_public_id=ana.public_id, role=Role.MEMBER, actor=ana
        ),
        lambda: companies.remove_member(company=acme, user_public_id=ana.public_id, actor=ana),
    ):
        with pytest.raises(companies.LastOwnerError):
            change()

    assert Membership.objects.get(company=acme, user=ana).role == Role.OWNER


def test_a_second_owner_lets_the_first_go(ana, acme, beto):
    companies.change_role(company=acme, user_public_id=beto.public_id, role=Role.OWNER, actor=ana)
    companies.remove_member(company=acme, user_public_id=ana.public_id, actor=ana)

    assert list(acme.memberships.values_list("user__email", "role")) == [
        ("beto@acme.test", "owner")
    ]


def test_people_of_other_companies_cannot_be_reached(ana, acme, carla, globex):
    with pytest.raises(NotFoundError):
        companies.remove_member(company=acme, user_public_id=carla.public_id, actor=ana)

    assert globex.memberships.count() == 1


def test_create_company_command_prints_the_slug_alone(vera):
    out = StringIO()

    call_command("create_company", "North Wind", owner="VERA@visitor.test", stdout=out)

    assert out.getvalue() == "north-wind\n"
    assert Membership.objects.get(user=vera).role == Role.OWNER


def test_create_company_command_names_an_unknown_owner(db):
    with pytest.raises(CommandError, match=r"Nobody signs in as nobody@x\.test"):
        call_command("create_company", "North Wind", owner="nobody@x.test")

    assert Company.objects.count() == 0


def test_what_an_administrator_changes_by_hand_is_in_the_trail(ana, acme, beto, browser_of):
    from core.models import AuditEvent

    ana.is_staff = ana.is_superuser = True
    ana.save()
    membership = acme.memberships.get(user=beto)
    page = f"/admin/accounts/membership/{membership.pk}/change/"

    answer = browser_of(ana).post(page, {"company": acme.pk, "user": beto.pk, "role": "operator"})
    gone = browser_of(ana).post(
        f"/admin/accounts/membership/{membership.pk}/delete/", {"post": "yes"}
    )

    assert (answer.status_code, gone.status_code) == (302, 302)
    trail = AuditEvent.objects.filter(action__startswith="admin.").order_by("pk")
    assert [(row.actor, row.action, row.company_ref) for row in trail] == [
        (ana.public_id, "admin.changed", acme.public_id),
        (ana.public_id, "admin.deleted", acme.public_id),
    ]

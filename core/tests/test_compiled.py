"""A query compiled once reads what the query itself reads."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.db.models import Count

from accounts.models import Company, Membership, Role, User
from accounts.tests.factories import add_member
from core.compiled import SLOT, CompiledQuery


def build():
    return (
        Membership.objects.filter(company__slug=SLOT)
        .select_related("company", "user__profile")
        .annotate(colleagues=Count("company__memberships"))
        .order_by("pk")
    )


def test_it_reads_the_first_row_with_all_that_belongs_to_it(
    acme: Company, beto: User, globex: Company, django_assert_num_queries
):
    query = CompiledQuery(build)
    with django_assert_num_queries(1):
        found = query.first(acme.slug)
        assert found is not None
        assert found.company == acme
        assert found.company.created_at == acme.created_at
        assert found.user.email == "ana@acme.test"
        assert found.role == Role.OWNER
        assert vars(found)["colleagues"] == 2
    other = query.first(globex.slug)
    assert other is not None
    assert other.company == globex
    assert query.first("nobody") is None

    found.role = Role.MEMBER
    found.save()
    assert Membership.objects.get(pk=found.pk).role == Role.MEMBER


def test_a_value_is_never_part_of_the_statement(acme: Company):
    query = CompiledQuery(build)

    assert query.first("acme' OR '1'='1") is None


def test_a_query_without_a_slot_is_refused(db):
    with pytest.raises(ValueError, match="SLOT"):
        CompiledQuery(lambda: Membership.objects.order_by("pk")).first("acme")


@pytest.mark.django_db(transaction=True)
def test_each_thread_reads_with_its_own_connection(acme: Company, beto: User):
    query = CompiledQuery(build)
    assert query.first(acme.slug) is not None
    add_member(acme, User.objects.create_user("third@acme.test"))
    seen: list[int] = []

    def read() -> None:
        found = query.first(acme.slug)
        seen.append(vars(found)["colleagues"])
        connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()

    assert seen == [3]

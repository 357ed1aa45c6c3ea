from __future__ import annotations

import pytest

from core import audit
from core.audit import record_event
from core.models import AppendOnlyError, AuditEvent

pytestmark = pytest.mark.django_db


def record(**changes):
    return record_event(
        **{"actor": "user_1", "action": "company_key.revoked", "object_ref": "key_1", **changes}
    )


def test_an_event_says_who_did_what_to_which_object(ana, acme):
    event = record(actor=ana, company=acme, ip_hash="h", note="n" * 400)

    event.refresh_from_db()
    assert event.actor == ana.public_id
    assert event.action == "company_key.revoked"
    assert event.object_ref == "key_1"
    assert event.company_ref == acme.public_id
    assert event.ip_hash == "h"
    assert event.note == "n" * 300
    assert event.at is not None


def test_an_event_is_never_changed_nor_deleted():
    event = record()
    event.actor = "user_2"

    for forbidden in (
        event.save,
        event.delete,
        lambda: AuditEvent.objects.update(actor="user_2"),
        lambda: AuditEvent.objects.all().delete(),
        lambda: AuditEvent.objects.filter(pk=event.pk).update(actor="user_2"),
        lambda: AuditEvent.objects.bulk_update([event], ["actor"]),
    ):
        with pytest.raises(AppendOnlyError):
            forbidden()

    assert AuditEvent.objects.get().actor == "user_1"


def test_a_company_sees_its_own_events_newest_first(acme, globex):
    first = record(company=acme)
    second = record(company=acme)
    record(company=globex)
    record()

    assert audit.list_events(company=acme) == [second, first]

"""What this app holds about a person: the words of answers in events, and endpoints they leave.

An erased answer's events go with it; `forget_subject` is for whoever erases.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from accounts.models import User
from accounts.selectors import companies_only_of
from core.privacy import Person, Section, export_rows
from webhooks.models import WebhookEndpoint, WebhookEvent
from webhooks.services.endpoints import pause_endpoint


def forget_subject(subjects: Iterable[str]) -> int:
    """Delete the events about something that was erased, with their deliveries; return how many.

    Joins the caller's transaction. What a company's server was told before, it has.
    """
    return WebhookEvent.objects.filter(subject__in=list(subjects)).delete()[0]


def _export(person: Person) -> dict[str, Any]:
    if person.user_pk is None:
        return {}
    return {
        "webhook_endpoints_created": export_rows(
            WebhookEndpoint.objects.filter(created_by_id=person.user_pk),
            without=("secret_seed", "former_seed"),
        )
    }


def _erase(person: Person) -> None:
    if person.user_pk is None:
        return
    actor = User.objects.get(pk=person.user_pk)
    for company in companies_only_of(actor.pk):
        for endpoint in WebhookEndpoint.objects.filter(company=company):
            pause_endpoint(endpoint=endpoint, actor=actor)


SECTION = Section(
    name="webhooks",
    export=_export,
    erase=_erase,
    models=frozenset(
        {
            "webhooks.WebhookEndpoint",
            "webhooks.WebhookEvent",
            "webhooks.WebhookDelivery",
            "webhooks.WebhookAttempt",
        }
    ),
    kept={
        "webhooks.WebhookEndpoint": "A company's own address; it names its author by id.",
    },
)

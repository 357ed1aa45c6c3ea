"""An endpoint of the demo company, paused, with a message nobody was sent: something to look at."""

from __future__ import annotations

from collections.abc import Callable

from django.urls import reverse

from accounts.models import Company
from webhooks.events import TEST_EVENT, list_event_types
from webhooks.models import WebhookEndpoint
from webhooks.services.endpoints import create_endpoint, pause_endpoint
from webhooks.services.publishing import store_event

# Nobody owns names below .example, and a paused endpoint is not sent to anyway.
URL = "https://hooks.kettle.example/parley"


def prepare_demo(company: Company, report: Callable[[str], None]) -> list[tuple[str, str]]:
    """Add the endpoint and one message. Idempotent.

    Args:
        company: the demo company.
        report: told in a line what is being made.

    Returns:
        The entrance to print.
    """
    entrance = [("Webhooks", reverse("console:webhook_list"))]
    if WebhookEndpoint.objects.filter(company=company).exists():
        return entrance
    report("A webhook endpoint, paused: put your own address in")
    created = create_endpoint(
        company=company,
        url=URL,
        event_types=[one.name for one in list_event_types()],
        description="An example: put your own address in, then press Resume",
    )
    endpoint = pause_endpoint(endpoint=created.row, actor=None)
    store_event(
        company=company,
        event_type=TEST_EVENT,
        subject=endpoint.public_id,
        data={
            "message": "This is a test. Nothing happened.",
            "endpoint_id": endpoint.public_id,
            "asked_by": None,
        },
        endpoints=[endpoint],
    )
    return entrance

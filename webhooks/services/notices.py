"""Tells a company's owners that an endpoint was stopped. The console says it as well."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Role
from accounts.selectors import list_members
from core import clock
from webhooks.models import EndpointState, WebhookEndpoint

logger = logging.getLogger(__name__)

RETRY_AFTER = timedelta(minutes=10)


def tell_owners(*, limit: int = 50) -> int:
    """Mail the owners of endpoints that were stopped and whose owners do not know yet.

    Returns:
        How many mails were accepted. Each is sent at least once: when the mail server says no, or
        the process dies before it is written down, again after ten minutes. Opens no transaction.
    """
    due = WebhookEndpoint.objects.filter(notice_due_at__lte=clock.now()).select_related("company")
    return sum(_tell(endpoint) for endpoint in due.order_by("notice_due_at")[:limit])


def has_due() -> bool:
    """Tell whether somebody is to be told: the recovery query."""
    return WebhookEndpoint.objects.filter(notice_due_at__lte=clock.now()).exists()


def _tell(endpoint: WebhookEndpoint) -> bool:
    mine = WebhookEndpoint.objects.filter(pk=endpoint.pk, notice_due_at=endpoint.notice_due_at)
    again_at = clock.now() + RETRY_AFTER
    if not mine.update(notice_due_at=again_at):
        # Another process has taken it on.
        return False
    settled = WebhookEndpoint.objects.filter(pk=endpoint.pk, notice_due_at=again_at)
    owners = [
        member.user.email for member in list_members(endpoint.company) if member.role == Role.OWNER
    ]
    if owners and endpoint.state == EndpointState.STOPPED:
        page = reverse("console:webhook", args=[endpoint.public_id])
        try:
            send_mail(
                subject=_("Parley stopped sending to a webhook endpoint"),
                message=render_to_string(
                    "webhooks/email/stopped.txt",
                    {
                        "company": endpoint.company.name,
                        "url": endpoint.url,
                        "reason": endpoint.stop_reason,
                        "link": f"{settings.SITE_URL}{page}",
                    },
                ),
                from_email=None,
                recipient_list=owners,
            )
        except (SMTPException, OSError):
            logger.exception("webhook.notice_not_sent", extra={"endpoint_id": endpoint.public_id})
            return False
    settled.update(notice_due_at=None)
    return bool(owners)

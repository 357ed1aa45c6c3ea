"""Rows as JSON for the person they are about: every field, but for what is only ours."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet

from core import clock

# Secrets, hashes and bookkeeping of our own: no word about anybody.
_OURS = frozenset(
    {
        "attempts",
        "body_sha256",
        "device_hash",
        "digest",
        "fence",
        "ip_hash",
        "lease_owner",
        "leased_until",
        "next_attempt_at",
        "password",
        "receipt_digest",
        "respondent_key",
        "sha256",
        "signed_user_hash",
        "storage_key",
        "storage_prefix",
        "file_key",
        "token_digest",
    }
)


def export_rows(rows: QuerySet[Any], *, without: Collection[str] = ()) -> list[dict[str, Any]]:
    """Return rows by field name, oldest first. A related row is named by its public id.

    Args:
        rows: already narrowed to one person.
        without: fields that are about somebody else, such as an agent's briefing.
    """
    model = rows.model
    fields = [
        one
        for one in model._meta.concrete_fields
        if one.name not in _OURS and one.name not in without and not one.primary_key
    ]
    related = [one.name for one in fields if one.is_relation]
    found = rows.select_related(*related) if related else rows
    return [
        {one.name: _plain(getattr(row, one.name)) for one in fields} for row in found.order_by("pk")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return str(getattr(value, "public_id", None) or value)
    if isinstance(value, datetime):
        return clock.rfc3339(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value

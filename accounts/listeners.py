"""What accounts does when something else happened."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry

from accounts.models import Company
from core import audit

_VERBS = {ADDITION: "added", CHANGE: "changed"}


def follow_admin(sender: type[LogEntry], instance: LogEntry, created: bool, **kwargs: Any) -> None:
    """Write what an administrator changed by hand into the trail, in the same transaction.

    Which fields, Django's own log says; the trail names no values.
    """
    if not created:
        return
    kind = instance.content_type
    changed = instance.get_edited_object() if _still_there(instance) else None
    owner = changed if isinstance(changed, Company) else getattr(changed, "company", None)
    label = f"{kind.app_label}.{kind.model}" if kind is not None else ""
    audit.record_event(
        actor=instance.user,
        action=f"admin.{_VERBS.get(instance.action_flag, 'deleted')}",
        object_ref=getattr(changed, "public_id", None) or f"{label} {instance.object_id}",
        company=owner if isinstance(owner, Company) else None,
        note=label,
    )


def _still_there(entry: LogEntry) -> bool:
    model = entry.content_type.model_class() if entry.content_type is not None else None
    return model is not None and model._base_manager.filter(pk=entry.object_id).exists()

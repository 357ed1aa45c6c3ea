"""The people who write to a company, by any of three identities. No I/O."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Company
from core.fields import PublicIdField

IDENTITIES = ("phone", "bsuid", "parent_bsuid")


class Contact(models.Model):
    """One person as one company knows them.

    Phone, business-scoped user id and its parent are keys of the same person; any may be missing
    and each belongs to one contact of a company. A merged contact keeps its row, without keys.
    """

    public_id = PublicIdField(prefix="contact")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="contacts")
    # Null, not empty: each is a unique key, and of an empty one there could be one only.
    phone = models.CharField(max_length=32, null=True, blank=True)  # noqa: DJ001  # a unique key
    bsuid = models.CharField(max_length=160, null=True, blank=True)  # noqa: DJ001  # a unique key
    parent_bsuid = models.CharField(max_length=160, null=True, blank=True)  # noqa: DJ001  # a unique key
    name = models.CharField(max_length=120, blank=True)
    username = models.CharField(max_length=80, blank=True)
    language = models.CharField(max_length=8, blank=True)
    """What they last wrote in; empty until known."""
    phone_claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Newest message that named this phone together with the user id; an earlier claim of somebody
    else, however late it arrives, does not take the phone away."""
    opted_out_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["company", key], condition=Q(**{f"{key}__isnull": False}),
                name=f"contact_{key}_once",
            )
            for key in IDENTITIES
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.public_id

    @property
    def wa_key(self) -> str:
        """What Redis and Meta call the person: the phone, else the user id."""
        return self.phone or self.bsuid or self.parent_bsuid or self.public_id

    @property
    def is_known(self) -> bool:
        """Whether there is somebody to reach or to name; erased contacts are nobody."""
        return any((self.phone, self.bsuid, self.parent_bsuid, self.name, self.username))

    @property
    def display_name(self) -> str:
        """What an operator reads."""
        return self.name or self.username or self.phone or "WhatsApp user"


class FormerIdentity(models.Model):
    """A phone or user id a contact had until a moment, or has beside another one.

    What was sent under it before that moment belongs to them, in whatever order it arrives.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="former_identities")
    kind = models.CharField(max_length=12)
    """One of `IDENTITIES`."""
    value = models.CharField(max_length=160)
    until = models.DateTimeField()

    class Meta:
        verbose_name_plural = "former identities"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact", "kind", "value"], name="former_identity_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["company", "kind", "value"], name="former_identity_value"),
        ]

    def __str__(self) -> str:
        return self.kind

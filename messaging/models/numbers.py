"""A company's WhatsApp numbers. No I/O."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import Company
from core.fields import PublicIdField


class BusinessNumber(models.Model):
    """One number customers write to. Messages are routed by ``phone_number_id`` alone."""

    public_id = PublicIdField(prefix="number")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="numbers")
    phone_number_id = models.CharField(max_length=64, unique=True)
    """Meta's id of the number, also in the seed's Redis key."""
    display_number = models.CharField(max_length=32)
    """For people to read; formats vary, so nothing is looked up by it."""
    label = models.CharField(max_length=80, blank=True)
    messages_per_second = models.PositiveIntegerField(default=80)
    """Throughput Meta allows the number; 1000 after its automatic upgrade."""
    default_language = models.CharField(max_length=8, default="es")
    is_active = models.BooleanField(default=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    """Nothing is sent from then on: a token or policy error a person must look at, or a pause."""
    stop_code = models.CharField(max_length=32, blank=True)
    send_slot_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Theoretical arrival time of the next send (GCRA), shared by all sender processes."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return self.display_number or self.phone_number_id

"""Changing a password: Django's own pages, and a line in the trail for each change."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import views as auth_views
from django.db import transaction
from django.http import HttpResponse

from accounts.services.people import note_password_change


class PasswordChange(auth_views.PasswordChangeView):
    """The page of somebody who knows the present password."""

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            note_password_change(user=form.user, how="changed")
            return super().form_valid(form)


class PasswordReset(auth_views.PasswordResetConfirmView):
    """The page behind the link of a mail."""

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            note_password_change(user=form.user, how="reset")
            return super().form_valid(form)

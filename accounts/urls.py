"""Pages of a person's own account. Console pages of accounts are in ``console_urls``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []

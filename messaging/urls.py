"""Addresses of the messaging app. The seed's paths stand as they are."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []

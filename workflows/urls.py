"""Addresses of the workflows app. The seed's paths stand as they are."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("workflows.execution_urls")),
    path("", include("workflows.people_urls")),
]

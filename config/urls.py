"""Every address of the product, gathered from the apps."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from core import views as core_views


def patterns_of(module: str) -> list[Any]:
    """Return the patterns of a module, or none while it does not exist."""
    parent = module.rpartition(".")[0]
    if find_spec(parent) is None or find_spec(module) is None:
        return []
    found: list[Any] = import_module(module).urlpatterns
    return found


urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("health", core_views.show_health, name="health"),
    path("health/live", core_views.show_live, name="health_live"),
    path("health/ready", core_views.show_ready, name="health_ready"),
    path("metrics", core_views.show_metrics, name="metrics"),
    path(".well-known/security.txt", core_views.show_security_txt, name="security_txt"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs/",
        SpectacularSwaggerSplitView.as_view(template_name="core/api_docs.html"),
        name="api_docs",
    ),
    path("api/asyncapi.yaml", core_views.show_asyncapi, name="asyncapi"),
    *patterns_of("accounts.urls"),
    *patterns_of("sessions.urls"),
    *patterns_of("surveys.urls"),
]


def show_home(request: HttpRequest) -> HttpResponseBase:
    """Show the home page; its module is imported on first use."""
    shown: HttpResponseBase = import_module("config.views").home(request)
    return shown


def show_styleguide(request: HttpRequest) -> HttpResponseBase:
    """Show the components, in development."""
    shown: HttpResponseBase = import_module("config.views").styleguide(request)
    return shown


urlpatterns.insert(0, path("", show_home, name="home"))
urlpatterns.insert(1, path("styleguide/", show_styleguide, name="styleguide"))

handler400 = "core.errors_http.bad_request"
handler403 = "core.errors_http.permission_denied"
handler404 = "core.errors_http.not_found"
handler500 = "core.errors_http.server_error"

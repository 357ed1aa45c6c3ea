"""Every address of the product, gathered from the apps."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config import views
from core import views as core_views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("admin/", admin.site.urls),
    path("health", core_views.show_health, name="health"),
    path("health/live", core_views.show_live, name="health_live"),
    path("health/ready", core_views.show_ready, name="health_ready"),
    path("favicon.ico", core_views.show_favicon, name="favicon"),
    path("metrics", core_views.show_metrics, name="metrics"),
    path(".well-known/security.txt", core_views.show_security_txt, name="security_txt"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs/",
        SpectacularSwaggerSplitView.as_view(template_name="core/api_docs.html"),
        name="api_docs",
    ),
    path("api/asyncapi.yaml", core_views.show_asyncapi, name="asyncapi"),
    path("", include("accounts.urls")),
    path("", include("webhooks.urls")),
    path("", include("sessions.urls")),
    path("", include("surveys.urls")),
    path("", include("agents.video.urls")),
    path("", include("workflows.urls")),
    path("", include("messaging.urls")),
]

handler400 = "core.errors_http.bad_request"
handler403 = "core.errors_http.permission_denied"
handler404 = "core.errors_http.not_found"
handler500 = "core.errors_http.server_error"

"""Every address of the product, gathered from the apps."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
handler400 = "core.errors_http.bad_request"
handler403 = "core.errors_http.permission_denied"
handler404 = "core.errors_http.not_found"
handler500 = "core.errors_http.server_error"

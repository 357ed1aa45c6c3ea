"""Addresses of the console, under ``/console/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from accounts.console_urls import console_patterns
from surveys.console import exports, home, insights, install, ledger, preview, review, sessions
from surveys.console import surveys as survey_pages
from webhooks.console_urls import console_patterns as webhook_patterns

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("surveys/", survey_pages.survey_list, name="survey_list"),
    path("surveys/new/", survey_pages.survey_new, name="survey_new"),
    path("surveys/try/", preview.survey_try, name="survey_try"),
    path("surveys/<str:survey_id>/", survey_pages.survey_detail, name="survey_detail"),
    path("surveys/<str:survey_id>/edit/", survey_pages.survey_edit, name="survey_edit"),
    path("surveys/<str:survey_id>/status/", survey_pages.survey_status, name="survey_status"),
    path(
        "surveys/<str:survey_id>/duplicate/",
        survey_pages.survey_duplicate,
        name="survey_duplicate",
    ),
    path("surveys/<str:survey_id>/versions/", survey_pages.survey_versions, name="survey_versions"),
    path("surveys/<str:survey_id>/preview/", preview.survey_preview, name="survey_preview"),
    path("surveys/<str:survey_id>/insights/", insights.survey_insights, name="survey_insights"),
    path(
        "surveys/<str:survey_id>/insights/refresh/",
        insights.insights_refresh,
        name="insights_refresh",
    ),
    path(
        "surveys/<str:survey_id>/insights/video/",
        insights.insights_video,
        name="insights_video",
    ),
    path("sessions/", sessions.session_list, name="session_list"),
    path("sessions/<str:session_id>/", sessions.session_detail, name="session_detail"),
    path("sessions/<str:session_id>/erase/", sessions.session_erase, name="session_erase"),
    path("sessions/<str:session_id>/pay/", review.pay_change, name="pay_change"),
    path("insights/", insights.insights, name="insights"),
    path("review/", review.review_list, name="review_queue"),
    path("review/<str:session_id>/", review.review_item, name="review_item"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/fund/", ledger.ledger_fund, name="ledger_fund"),
    path("install/", install.install, name="install"),
    path("exports/", exports.export_list, name="exports"),
    *console_patterns,
    *webhook_patterns,
]

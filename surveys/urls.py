"""Addresses of the surveys app. The seed's paths stand as they are."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from surveys.api import company, respondents
from surveys.views import widget

urlpatterns: list[URLPattern | URLResolver] = [
    path("surveys", company.SurveyListView.as_view(), name="api_survey_list"),
    path("survey/create", company.SurveyCreateView.as_view(), name="api_survey_create"),
    path(
        "survey/<str:survey_id>", respondents.WidgetConfigView.as_view(), name="api_survey_widget"
    ),
    path(
        "survey/<str:survey_id>/manage",
        company.SurveyManageView.as_view(),
        name="api_survey_manage",
    ),
    path(
        "survey/<str:survey_id>/pause", company.SurveyPauseView.as_view(), name="api_survey_pause"
    ),
    path(
        "survey/<str:survey_id>/resume",
        company.SurveyResumeView.as_view(),
        name="api_survey_resume",
    ),
    path(
        "survey/<str:survey_id>/close", company.SurveyCloseView.as_view(), name="api_survey_close"
    ),
    path(
        "survey/<str:survey_id>/duplicate",
        company.SurveyDuplicateView.as_view(),
        name="api_survey_duplicate",
    ),
    path(
        "survey/<str:survey_id>/session/start",
        respondents.StartView.as_view(),
        name="api_session_start",
    ),
    path(
        "survey/<str:survey_id>/funnel", respondents.FunnelView.as_view(), name="api_survey_funnel"
    ),
    path(
        "survey/<str:survey_id>/insights",
        company.InsightsView.as_view(),
        name="api_survey_insights",
    ),
    path(
        "survey/<str:survey_id>/sessions",
        company.SurveySessionsView.as_view(),
        name="api_survey_sessions",
    ),
    path(
        "survey/<str:survey_id>/export.csv",
        company.CsvExportView.as_view(),
        name="api_survey_export_csv",
    ),
    path(
        "survey/<str:survey_id>/export.jsonl",
        company.JsonlExportView.as_view(),
        name="api_survey_export_jsonl",
    ),
    path(
        "session/<str:session_id>/complete",
        respondents.CompleteView.as_view(),
        name="api_session_complete",
    ),
    path(
        "session/<str:session_id>/result",
        respondents.ResultView.as_view(),
        name="api_session_result",
    ),
    path(
        "session/<str:session_id>/appeal",
        respondents.AppealView.as_view(),
        name="api_session_appeal",
    ),
    path(
        "session/<str:session_id>/data",
        respondents.PersonalDataView.as_view(),
        name="api_session_data",
    ),
    path("widget.js", widget.show_shell, name="widget_shell"),
    path("widget/<str:version>/<str:name>", widget.show_module, name="widget_module"),
    path("s/<str:survey_id>", widget.show_hosted, name="survey_hosted"),
    path("demo/host/", widget.show_example_host, name="widget_demo"),
    path("", include("surveys.money_urls")),
    path("console/", include("surveys.console.urls")),
]

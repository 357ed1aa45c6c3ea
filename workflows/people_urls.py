"""Addresses of profile, catalogue, recommendations and plans."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from workflows.api import people
from workflows.views import catalogue, interviews, me, onboarding, reason, upgrade

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/profile", people.ProfileView.as_view(), name="api_profile"),
    path(
        "api/recommendations", people.RecommendationsView.as_view(), name="api_recommendation_list"
    ),
    path(
        "api/workflows/<slug:name>/performance",
        people.PerformanceView.as_view(),
        name="api_workflow_performance",
    ),
    path("webhook/stripe/plans", people.PlanWebhookView.as_view(), name="plan_webhook"),
    path("onboarding/", onboarding.show_onboarding, name="workflow_onboarding"),
    path("workflows/", catalogue.show_catalogue, name="workflow_list"),
    path("workflows/interviews/", interviews.show_interviews, name="workflow_interviews"),
    path("workflows/language", catalogue.switch_language, name="workflow_language"),
    path("workflows/<slug:name>/start", catalogue.start_workflow, name="workflow_start"),
    path("workflows/<slug:name>/why", reason.show_reason, name="workflow_reason"),
    path("me/", me.show_me, name="workflow_me"),
    path("upgrade/", upgrade.show_plans, name="workflow_upgrade"),
    path("upgrade/pay/<str:purchase_id>", upgrade.show_local_pay, name="workflow_upgrade_pay"),
]

"""Addresses of the video app. The seed's paths stand as they are."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from agents.video.api import files
from agents.video.api import views as api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/startprocess", api.StartProcess.as_view(), name="video_start"),
    path("api/video-sessions", api.VideoSessionCollection.as_view(), name="video_sessions"),
    path(
        "api/video-sessions/<str:video_id>",
        api.VideoSessionItem.as_view(),
        name="video_session",
    ),
    path(
        "api/video-sessions/<str:video_id>/status",
        api.VideoStatus.as_view(),
        name="video_status",
    ),
    path(
        "api/video-sessions/<str:video_id>/runs",
        api.VideoRunCollection.as_view(),
        name="video_runs",
    ),
    path("api/video-runs/<str:run_id>", api.VideoRunItem.as_view(), name="video_run"),
    path("api/video-runs/<str:run_id>/cancel", api.VideoRunCancel.as_view(), name="video_cancel"),
    path("api/video-runs/<str:run_id>/retry", api.VideoRunRetry.as_view(), name="video_retry"),
    path("api/video-files/<str:token>", files.VideoFile.as_view(), name="video_file"),
]

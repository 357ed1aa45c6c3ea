"""Addresses of the video app. The seed's paths stand as they are."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from agents.video import views
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
    path("studio/", views.studio_home, name="studio_home"),
    path("studio/new", views.create_video, name="studio_new"),
    path("studio/<str:video_id>", views.show_video, name="studio_video"),
    path("studio/<str:video_id>/script", views.edit_script, name="studio_script"),
    path("studio/<str:video_id>/start", views.start_video, name="studio_start"),
    path("studio/<str:video_id>/cancel", views.cancel_video, name="studio_cancel"),
    path("studio/<str:video_id>/delete", views.delete_video, name="studio_delete"),
    path("studio/<str:video_id>/captions.vtt", views.show_captions, name="studio_captions"),
    path("studio/<str:video_id>/chapters.vtt", views.show_chapters, name="studio_chapters"),
]

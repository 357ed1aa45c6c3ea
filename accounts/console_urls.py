"""Accounts' pages inside the company console; surveys includes them under ``/console/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from accounts.views import console, team

console_patterns: list[URLPattern | URLResolver] = [
    path("keys/", console.key_list, name="key_list"),
    path("keys/<str:public_id>/revoke/", console.key_revoke, name="key_revoke"),
    path("identity/rotate/", console.identity_rotate, name="identity_rotate"),
    path("settings/", console.company_settings, name="settings"),
    path("trail/", console.trail, name="trail"),
    path("team/", team.team, name="team"),
    path("team/<str:user_public_id>/role/", team.member_role, name="member_role"),
    path("team/<str:user_public_id>/remove/", team.member_remove, name="member_remove"),
    path(
        "team/invitations/<str:public_id>/revoke/",
        team.invitation_revoke,
        name="invitation_revoke",
    ),
    path(
        "team/invitations/<str:public_id>/resend/",
        team.invitation_resend,
        name="invitation_resend",
    ),
]

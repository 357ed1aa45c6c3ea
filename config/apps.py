"""App configuration of the admin: our site class in place of Django's."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ParleyAdminConfig(AdminConfig):
    """Use the site that can ask for a second factor."""

    default_site = "config.admin_site.build_admin_site"

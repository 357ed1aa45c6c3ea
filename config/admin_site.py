"""The admin site, with a second factor when ADMIN_REQUIRE_2FA is set."""

from __future__ import annotations

from django.conf import settings
from django.contrib.admin import AdminSite
from django_otp.admin import OTPAdminSite

TITLE = "Parley administration"


def build_admin_site() -> AdminSite:
    """Return the site all models register with (called once, by Django)."""
    site: AdminSite = OTPAdminSite("admin") if settings.ADMIN_REQUIRE_2FA else AdminSite("admin")
    site.site_header = site.site_title = TITLE
    site.index_title = "Everything there is"
    site.enable_nav_sidebar = True
    return site

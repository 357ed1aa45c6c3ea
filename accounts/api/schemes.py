"""How the OpenAPI document describes the credentials of companies and people."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class CompanyKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base has an untyped __init_subclass__
    """Describe the company key."""

    target_class = "accounts.api.authentication.CompanyKeyAuthentication"
    name = "companyKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Secret key of a company (sk_…), for its own servers.",
        }


class ConsoleScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # as above
    """Describe the console's login cookie."""

    target_class = "accounts.api.permissions.ConsoleAuthentication"
    name = "consoleCookie"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "Login cookie of the console's pages; writing needs X-CSRFToken too.",
        }

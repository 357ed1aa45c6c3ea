"""Handing message templates to Meta for approval: a Protocol, the Graph API, and the simulator's.

The only module besides `cloud` that knows Meta's addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import httpx2
from django.conf import settings

TIMEOUT_SECONDS = 15.0


class TemplateError(Exception):
    """Meta did not take a template.

    Args:
        code: short and stable; nothing personal.
        is_final: asking again will not help.
    """

    def __init__(self, code: str, *, is_final: bool) -> None:
        super().__init__(code)
        self.code = code
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class TemplateTaken:
    """Meta has it."""

    reference: str
    is_approved: bool


class TemplateClient(Protocol):
    """Takes templates in."""

    def submit(self, *, name: str, language: str, category: str, body: str) -> TemplateTaken:
        """Submit one.

        Raises:
            TemplateError: it was refused, or could not be handed over now.
        """
        ...


class SimulatedTemplates:
    """Approves everything at once: there is no Meta behind the simulator."""

    def submit(self, *, name: str, language: str, category: str, body: str) -> TemplateTaken:
        """Approve it."""
        return TemplateTaken(reference=f"simulated:{name}:{language}", is_approved=True)


class CloudTemplates:
    """The Graph API's message_templates of one business account.

    Args:
        base_url: with the version.
        account_id: the WhatsApp Business Account; empty refuses for good, with a plain reason.
        token: with the permission to manage templates.
    """

    def __init__(self, base_url: str, account_id: str, token: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._account_id = account_id
        self._token = token

    def submit(self, *, name: str, language: str, category: str, body: str) -> TemplateTaken:
        """Create the template; a name that exists already counts as taken."""
        if not self._account_id:
            raise TemplateError("WHATSAPP_BUSINESS_ACCOUNT_ID is not set", is_final=True)
        count = body.count("{{")
        component: dict[str, Any] = {"type": "BODY", "text": body}
        if count:
            component["example"] = {"body_text": [[f"x{at + 1}" for at in range(count)]]}
        try:
            answer = httpx2.post(
                f"{self._base_url}/{self._account_id}/message_templates",
                headers={"Authorization": f"Bearer {self._token}"},
                json={
                    "name": name,
                    "language": language,
                    "category": category.upper(),
                    "components": [component],
                },
                timeout=TIMEOUT_SECONDS,
            )
            told = answer.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise TemplateError("unreachable", is_final=False) from error
        if answer.status_code == 200 and isinstance(told, dict) and told.get("id"):
            return TemplateTaken(str(told["id"]), told.get("status") == "APPROVED")
        code = ""
        if isinstance(told, dict) and isinstance(told.get("error"), dict):
            code = str(told["error"].get("code", ""))
        passes = answer.status_code >= 500 or answer.status_code in (401, 403, 429)
        raise TemplateError(f"graph_{code or answer.status_code}", is_final=not passes)


def get_template_client() -> TemplateClient:
    """Return the client of the present settings."""
    if settings.WHATSAPP_BACKEND == "cloud":
        return CloudTemplates(
            settings.WHATSAPP_BASE_URL,
            settings.WHATSAPP_BUSINESS_ACCOUNT_ID,
            settings.WHATSAPP_TOKEN,
        )
    return SimulatedTemplates()

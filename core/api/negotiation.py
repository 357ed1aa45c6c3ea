"""Content negotiation that answers JSON to whoever asks for something else."""

from __future__ import annotations

from collections.abc import Sequence

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class LenientNegotiation(DefaultContentNegotiation):
    """Ignore an Accept header nothing here fulfils, as RFC 9110 section 12.5.1 allows.

    A client that asks for ``application/problem+json`` alone, or a browser's HTML, still reads
    JSON better than a 406.
    """

    def select_renderer(
        self,
        request: Request,
        renderers: Sequence[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer that fits, or the first."""
        try:
            return super().select_renderer(request, list(renderers), format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type or "application/json"

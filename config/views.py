"""Pages that belong to no app: the home page and, in development, the styleguide.

Owns which template answers. What the home page shows comes from `config.home`.
"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.home import home_context
from config.styleguide import styleguide_context


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Explain the product and open each of its demos."""
    return render(request, "pages/home.html", home_context(request))


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show every component on one page. Exists only while DEBUG is on.

    Raises:
        Http404: DEBUG is off.
    """
    if not settings.DEBUG:
        raise Http404
    return render(request, "pages/styleguide.html", styleguide_context())

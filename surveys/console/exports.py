"""The exports page: every survey's answers to take away, and how long answers are kept."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import CompanyRequest
from surveys.console.doors import for_researchers, render_page
from surveys.console.paging import cut_page
from surveys.selectors.console import surveys_with_spend
from surveys.services.erasure import retention_days_of


@for_researchers
@require_safe
def export_list(request: CompanyRequest) -> HttpResponse:
    """List the surveys with their files and their retention."""
    page = cut_page(surveys_with_spend(request.company), request.GET)
    return render_page(
        request,
        "exports",
        {
            "page": page,
            "rows": [
                (survey, retention_days_of(survey), survey.retention_days is not None)
                for survey in page.rows
            ],
            "company": request.company,
        },
    )

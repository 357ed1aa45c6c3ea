"""Opens a proof for its owner or a reviewer."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from core.errors import NotFoundError
from workflows.models import ProofFile, ProofType
from workflows.selectors.outcomes import proof_for
from workflows.storage import proofs


@require_safe
@login_required
@never_cache
def show_proof(request: HttpRequest, proof_id: str) -> HttpResponseBase:
    """Send the file, or to the storage's short link; a PDF only ever as a download."""
    try:
        proof = proof_for(cast(User, request.user), proof_id)
    except NotFoundError:
        raise Http404 from None
    disposition = _disposition(proof, as_download="download" in request.GET)
    link = proofs.link_to(
        proof.storage_key, content_type=proof.content_type, disposition=disposition
    )
    if link is not None:
        return HttpResponseRedirect(link)
    try:
        handle = proofs.open_proof(proof.storage_key)
    except FileNotFoundError:
        raise Http404 from None
    answer = FileResponse(handle, content_type=proof.content_type)
    answer["Content-Disposition"] = disposition
    answer["Content-Length"] = str(proof.size_bytes)
    # Whatever it should turn out to be: it runs nothing and belongs to no origin.
    answer["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer


def _disposition(proof: ProofFile, *, as_download: bool) -> str:
    """Return the header with the ending of what is stored, whatever the file was called."""
    stem = proof.original_name.rpartition(".")[0] or "proof"
    name = f"{stem}.{proof.storage_key.rpartition('.')[2]}"
    kind = "attachment" if as_download or proof.kind == ProofType.PDF else "inline"
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

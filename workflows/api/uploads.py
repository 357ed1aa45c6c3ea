"""Multipart bodies with one proof in them. Owns how they are parsed, not what a file may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.http.multipartparser import MultiPartParser as DjangoMultiPartParser
from django.http.multipartparser import MultiPartParserError
from rest_framework.parsers import DataAndFiles, MultiPartParser
from rest_framework.request import Request

from core.errors import InvalidInputError, TooLargeError
from workflows.storage.inspection import check_name

FIELD = "proof"


class _NameChecking(DjangoMultiPartParser):
    """Django's parser, which cuts paths off names without a word; ours says so instead."""

    def sanitize_file_name(self, file_name: str) -> str | None:
        """Return the name, or none for a file field nobody filled in."""
        if not file_name:
            return None
        check_name(file_name)
        return super().sanitize_file_name(file_name)


class ProofMultiPartParser(MultiPartParser):
    """``multipart/form-data`` with fields and at most one file, named ``proof``."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> DataAndFiles[Any, Any]:
        """Return the fields and the file.

        Raises:
            InvalidInputError: no multipart body, several files, a name that is a path.
            TooLargeError: more form text than a form has.
        """
        request = (parser_context or {})["request"]
        meta = dict(request.META)
        meta["CONTENT_TYPE"] = media_type
        try:
            parser = _NameChecking(meta, stream, request.upload_handlers, request.encoding)
            fields, files = parser.parse()
        except MultiPartParserError:
            raise InvalidInputError(
                "multipart_invalid", "The body is no multipart/form-data. Send it again."
            ) from None
        except RequestDataTooBig:
            raise TooLargeError("body_too_large", "The form's fields are too long.") from None
        if set(files) - {FIELD} or len(files.getlist(FIELD)) > 1:
            raise InvalidInputError("proof_only_one", "Send one file, in the field 'proof'.")
        return DataAndFiles(fields, files)


def file_of(request: Request) -> UploadedFile[bytes] | None:
    """Return the uploaded proof of a request, if it has one."""
    found = request.FILES.get(FIELD)
    return found if isinstance(found, UploadedFile) else None

"""Files in S3 or a store that speaks its protocol: private, with links signed by version 4.

Owns how the client behaves: signature, time-outs, retries, checksums. The one module that may
import botocore, and it is loaded by the first file only: it takes half a second. Knows no app.
"""

from __future__ import annotations

from typing import Any

from botocore.config import Config
from django.conf import settings
from storages.backends.s3 import S3Storage

CONNECT_SECONDS = 3
READ_SECONDS = 20
ATTEMPTS = 3


class PrivateS3Storage(S3Storage):  # type: ignore[misc]  # django-storages brings no types
    """A private bucket; `url` gives a link that expires.

    django-storages signs by version 2 unless told otherwise, and waits for ever. Its own options
    of these are ignored as soon as a client configuration is given, so all are given here.
    """

    def __init__(self, **options: Any) -> None:
        # Stores that are not Amazon's refuse the checksums newer clients add by themselves.
        checksums = "when_required" if settings.AWS_S3_ENDPOINT_URL else "when_supported"
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": settings.AWS_S3_ADDRESSING_STYLE},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"max_attempts": ATTEMPTS, "mode": "standard"},
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
        )
        super().__init__(**{"client_config": config, **options})

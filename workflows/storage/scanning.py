"""The scanner a proof passes before it is stored: none, or a ClamAV daemon.

Owns the Protocol and what speaks to the daemon. Without PROOF_SCANNER_URL nothing is scanned, and
the row says so.
"""

from __future__ import annotations

import socket
import struct
from typing import Final, Protocol
from urllib.parse import urlsplit

from django.conf import settings

from workflows.models import ScanVerdict

CONNECT_SECONDS: Final = 3.0
SCAN_SECONDS: Final = 20.0
_CHUNK_BYTES: Final = 64 * 1024
_MAX_ANSWER_BYTES: Final = 4096


class ScannerDownError(Exception):
    """The scanner did not answer, or not in its own words."""


class InfectedError(Exception):
    """The scanner knows this file as harmful."""


class ProofScanner(Protocol):
    """Looks at bytes before they are stored."""

    def scan(self, content: bytes) -> ScanVerdict:
        """Return a verdict.

        Raises:
            InfectedError: harmful.
            ScannerDownError: no verdict; nothing may be stored then.
        """
        ...


class NoScanner:
    """Scans nothing and says so."""

    def scan(self, content: bytes) -> ScanVerdict:
        """Return that nothing was scanned."""
        return ScanVerdict.NOT_SCANNED


class ClamdScanner:
    """Speaks clamd's INSTREAM command over TCP (docs.clamav.net, clamd protocol)."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def scan(self, content: bytes) -> ScanVerdict:
        """Stream the bytes and read the verdict."""
        try:
            with socket.create_connection((self.host, self.port), CONNECT_SECONDS) as link:
                link.settimeout(SCAN_SECONDS)
                link.sendall(b"zINSTREAM\0")
                for start in range(0, len(content), _CHUNK_BYTES):
                    chunk = content[start : start + _CHUNK_BYTES]
                    link.sendall(struct.pack("!L", len(chunk)) + chunk)
                link.sendall(struct.pack("!L", 0))
                answer = self._read_answer(link)
        except OSError as error:
            raise ScannerDownError("no answer") from error
        if answer.endswith("OK"):
            return ScanVerdict.CLEAN
        if answer.endswith("FOUND"):
            raise InfectedError
        raise ScannerDownError("no verdict")

    def _read_answer(self, link: socket.socket) -> str:
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < _MAX_ANSWER_BYTES:
            part = link.recv(_MAX_ANSWER_BYTES)
            if not part:
                break
            answer += part
        return answer.rstrip(b"\0").decode("utf-8", "replace").strip()


def get_scanner() -> ProofScanner:
    """Return the scanner the settings name."""
    url: str = settings.PROOF_SCANNER_URL
    if not url:
        return NoScanner()
    parts = urlsplit(url)
    return ClamdScanner(parts.hostname or "127.0.0.1", parts.port or 3310)

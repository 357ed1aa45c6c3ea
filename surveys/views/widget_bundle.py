"""The widget's scripts as they are sent: read once, compressed, named by what is in them.

Owns which files belong to the widget and the version in their address. Knows no request and no
survey.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SHELL = "shell.js"
VOICE_MODULES = (
    "call.js",
    "captions.js",
    "microphone.js",
    "pcm-worklet.js",
    "player.js",
    "room.js",
)
VERSION_IN_SHELL = "/widget/dev/"
"""What the shell's source says in place of the folder its modules are loaded from."""


@dataclass(frozen=True, slots=True)
class WidgetFile:
    """One script, ready to be sent."""

    body: bytes
    compressed: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class WidgetBundle:
    """Every script of the widget in one version."""

    version: str
    files: Mapping[str, WidgetFile]


def _sources() -> dict[str, Path]:
    """Return the name in the address to the file; connection and voice are shared with the chat."""
    static = Path(settings.BASE_DIR) / "static"
    found = {path.name: path for path in sorted((static / "widget").glob("*.js"))}
    found["connection.js"] = static / "js" / "conversation" / "connection.js"
    for name in VOICE_MODULES:
        found[name] = static / "js" / "voice" / name
    return found


def load_bundle() -> WidgetBundle:
    """Return the widget's scripts; while developing, anew as soon as one of them changes."""
    if settings.DEBUG:
        return _build(tuple(path.stat().st_mtime_ns for path in _sources().values()))
    return _build(())


@lru_cache(maxsize=2)
def _build(moment: tuple[int, ...]) -> WidgetBundle:
    """Read and compress the scripts.

    Args:
        moment: when each was changed; only there to tell one reading from another.

    Raises:
        ImproperlyConfigured: the shell does not name its folder, so it would load nothing.
    """
    bodies = {name: path.read_bytes() for name, path in _sources().items()}
    seen = hashlib.sha256()
    for name, body in bodies.items():
        seen.update(name.encode() + b"\0" + body)
    version = seen.hexdigest()[:12]
    placeholder = VERSION_IN_SHELL.encode()
    if bodies[SHELL].count(placeholder) != 1:
        raise ImproperlyConfigured(f"static/widget/{SHELL} must hold {VERSION_IN_SHELL!r} once.")
    bodies[SHELL] = bodies[SHELL].replace(placeholder, f"/widget/{version}/".encode())
    return WidgetBundle(version, {name: _pack(body) for name, body in bodies.items()})


def _pack(body: bytes) -> WidgetFile:
    digest = hashlib.sha256(body).hexdigest()[:24]
    return WidgetFile(body, gzip.compress(body, 9, mtime=0), f'"{digest}"')

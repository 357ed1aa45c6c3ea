"""Sockets opened with a login cookie: whose login it is, and whether it still is one.

A socket outlives the request that opened it, so logging out, a new password or a closed account
must reach it too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user


def login_identity(scope: Mapping[str, Any], label: str) -> str:
    """Return the identity of a grant by cookie: one for each login, not only for each person.

    Sockets of one identity are checked and closed together, and logging out of one browser must
    not close those of another.
    """
    key = getattr(scope.get("session"), "session_key", None) or ""
    return f"{label}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def is_login_alive(scope: Mapping[str, Any], user_pk: int) -> bool:
    """Tell whether the login a socket was opened with still signs this person in.

    False after logging out, a changed password, or when the account was closed.
    """
    key = getattr(scope.get("session"), "session_key", None)
    if not key:
        return False
    # Read anew: the scope's own copy is of the moment the socket was opened.
    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    found: Any = get_user(SimpleNamespace(session=store))  # type: ignore[arg-type]  # all it reads
    return bool(found.is_authenticated and found.pk == user_pk)

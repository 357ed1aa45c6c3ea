"""The one reader of the environment.

Owns how a variable is found, cast and refused. A value that cannot be used stops the start
with the variable's name and what would be accepted; the value itself is never repeated,
because it may be a secret. Knows nothing of what the settings mean.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

TRUE_WORDS = ("1", "true", "yes", "on")
FALSE_WORDS = ("0", "false", "no", "off")
MAX_PRICE = 1_000_000
"""Above it a price is a slip of the pen; it also refuses JSON's Infinity and NaN."""


class EnvReader:
    """Read typed values from the process environment, strictly.

    An empty or blank variable counts as not set, so that a copied `.env.example` behaves
    like no file at all. `names` collects every variable asked for, which lets a test hold
    `.env.example` against the settings.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()
        self._env = environ.Env()

    def load_file(self, path: Path) -> None:
        """Add the variables of a `.env` file that the real environment does not set."""
        if path.is_file():
            environ.Env.read_env(str(path))

    def _raw(self, name: str) -> str:
        self.names.add(name)
        value: str = self._env.str(name, default="")
        return value.strip()

    def _cast(
        self, name: str, default: T, accepted: str, cast: Callable[[str], T], *, raw: str = ""
    ) -> T:
        raw = raw or self._raw(name)
        if not raw:
            return default
        try:
            return cast(raw)
        except ValueError:
            # The cause is dropped on purpose: its text would repeat the value.
            raise ImproperlyConfigured(f"{name} is not usable: set it to {accepted}.") from None

    def text(self, name: str, default: str = "") -> str:
        """Return the variable as it stands, without surrounding white space."""
        return self._raw(name) or default

    def flag(self, name: str, default: bool) -> bool:
        """Return a yes or no."""

        def cast(raw: str) -> bool:
            word = raw.lower()
            if word in TRUE_WORDS:
                return True
            if word in FALSE_WORDS:
                return False
            raise ValueError(name)

        return self._cast(name, default, f"one of {', '.join(TRUE_WORDS + FALSE_WORDS)}", cast)

    def integer(
        self, name: str, default: int, *, minimum: int = 0, maximum: int = 2_000_000_000
    ) -> int:
        """Return a whole number between `minimum` and `maximum`, both included."""

        def cast(raw: str) -> int:
            number = int(raw)
            if not minimum <= number <= maximum:
                raise ValueError(name)
            return number

        return self._cast(name, default, f"a whole number from {minimum} to {maximum}", cast)

    def seconds(self, name: str, default: float, *, maximum: float = 86_400.0) -> float:
        """Return a duration in seconds, greater than 0 and at most `maximum`."""

        def cast(raw: str) -> float:
            number = float(raw)
            if not 0 < number <= maximum:
                raise ValueError(name)
            return number

        return self._cast(name, default, f"seconds, more than 0 and at most {maximum:g}", cast)

    def choice(self, name: str, default: str, allowed: Sequence[str]) -> str:
        """Return one of the allowed words, compared in lower case."""

        def cast(raw: str) -> str:
            if raw.lower() not in allowed:
                raise ValueError(name)
            return raw.lower()

        return self._cast(name, default, f"one of {', '.join(allowed)}", cast)

    def items(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """Return a comma-separated list without its empty entries."""
        raw = self._raw(name)
        if not raw:
            return list(default)
        return [part.strip() for part in raw.split(",") if part.strip()]

    def prices(self, name: str, units: Sequence[str]) -> dict[str, dict[str, float]]:
        """Return amounts of a JSON object: name to unit to a number that is not negative."""

        def cast(raw: str) -> dict[str, dict[str, float]]:
            found = json.loads(raw)
            if not isinstance(found, dict) or not all(
                isinstance(amounts, dict) and amounts for amounts in found.values()
            ):
                raise ValueError(name)
            for amounts in found.values():
                for unit, amount in amounts.items():
                    is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
                    if unit not in units or not is_number or not 0 <= amount <= MAX_PRICE:
                        raise ValueError(name)
            return found

        accepted = f'JSON like {{"a-model": {{"{units[0]}": 0.15}}}}, with {", ".join(units)}'
        return self._cast(name, {}, accepted, cast)

    def ports(self, name: str, default: Sequence[int]) -> tuple[int, ...]:
        """Return TCP ports of a comma list."""

        def cast(raw: str) -> tuple[int, ...]:
            found = tuple(int(part) for part in raw.split(",") if part.strip())
            if not found or not all(1 <= port <= 65_535 for port in found):
                raise ValueError(name)
            return found

        return self._cast(name, tuple(default), "port numbers, separated by commas", cast)

    def url(self, name: str, default: str, *, schemes: Sequence[str]) -> str:
        """Return an absolute URL with one of the schemes, without a trailing slash."""

        def cast(raw: str) -> str:
            parts = urlsplit(raw)
            # `.port` raises ValueError for a port that is no number.
            if parts.scheme not in schemes or not parts.hostname or parts.port == 0:
                raise ValueError(name)
            return raw.rstrip("/")

        starts = ", ".join(f"{scheme}://" for scheme in schemes)
        return self._cast(name, default, f"an absolute URL that starts with {starts}", cast)

    def origins(self, name: str) -> list[str]:
        """Return web origins (scheme, host and port, nothing after) of a comma list."""
        found = self.items(name)
        for origin in found:
            parts = urlsplit(origin)
            if (
                parts.scheme not in ("http", "https")
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ImproperlyConfigured(
                    f"{name} is not usable: set it to origins such as "
                    "https://app.example.com, separated by commas, without a path."
                )
        return found

    def database(self, name: str, default: dict[str, Any]) -> dict[str, Any]:
        """Return a Django database entry for a sqlite:/// or postgres:// URL."""

        def cast(raw: str) -> dict[str, Any]:
            if urlsplit(raw).scheme not in ("sqlite", "postgres", "postgresql"):
                raise ValueError(name)
            entry: dict[str, Any] = dict(environ.Env.db_url_config(raw))
            if not entry.get("NAME"):
                raise ValueError(name)
            return entry

        accepted = "postgres://user:password@host:port/name or sqlite:////absolute/path.sqlite3"
        return self._cast(name, default, accepted, cast)


def keep_secret_key(path: Path) -> str:
    """Return the key kept in `path`, making it on first use (readable by its owner only).

    Two processes that start together agree on one key: the one that loses the race reads what
    the other wrote.
    """
    if path.is_file():
        return path.read_text(encoding="ascii").strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = secrets.token_urlsafe(50)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(fresh)
    try:
        # A hard link fails when the name exists, so a half-written key is never visible.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()


def choose_settings() -> None:
    """Name our settings to Django, unless somebody has named others."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


env = EnvReader()

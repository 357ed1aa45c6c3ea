"""The workflows app in the admin. Django finds this module; naming the others registers theirs."""

from __future__ import annotations

from workflows import execution_admin, people_admin

__all__ = ["execution_admin", "people_admin"]

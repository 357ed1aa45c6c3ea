"""The messaging app in the admin, one module a subject."""

from __future__ import annotations

from messaging import shop_admin

__all__ = ["shop_admin"]

"""The messaging app in the admin, one module a subject."""

from __future__ import annotations

from messaging import chat_admin, shop_admin

__all__ = ["chat_admin", "shop_admin"]

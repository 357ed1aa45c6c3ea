"""Accounts' pages inside the company console; surveys includes them under ``/console/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

console_patterns: list[URLPattern | URLResolver] = []

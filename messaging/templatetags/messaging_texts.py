"""Filters of messaging's pages."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from messaging.whatsapp_markup import render_markup

register = template.Library()


@register.filter
def whatsapp_markup(text: str) -> SafeString:
    """Return a message as a phone shows it: bold, italic, struck through, monospaced; escaped."""
    return render_markup(text)

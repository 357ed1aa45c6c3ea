"""Words of the workflows' pages in templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse

from core.page_texts import keep_language
from workflows.models import Guide, WorkflowVersion
from workflows.page_texts import say_from_server

register = template.Library()


@register.simple_tag(takes_context=True)
def say(context: template.Context, key: str, **values: Any) -> str:
    """Return the text of a key with its places filled, escaped by the template.

    Raises:
        KeyError: there is no such text, or a place of it has no value.
    """
    return str(context["t"][key].format(**values))


@register.simple_tag(takes_context=True)
def say_choice(context: template.Context, group: str, value: object) -> str:
    """Return what one of a closed list is called, such as a state or a metric."""
    return str(context["t"][f"{group}_{value}"])


@register.simple_tag(takes_context=True)
def say_served(context: template.Context, text: str) -> str:
    """Return a sentence of a service in the page's language."""
    return say_from_server(text, context["language"])


@register.simple_tag(takes_context=True)
def to(context: template.Context, name: str, *args: object) -> str:
    """Return the address of another page, in the language this one was asked for by `?lang=`."""
    request = context.get("request")
    address = reverse(name, args=args)
    return keep_language(request, address) if isinstance(request, HttpRequest) else address


@register.simple_tag(takes_context=True)
def guide(context: template.Context, version: WorkflowVersion) -> Guide:
    """Return the words of a workflow's version for the page's reader, with their language."""
    return version.guide(context["language"])


@register.simple_tag(takes_context=True)
def in_words(context: template.Context, speaker: object, what: str) -> str:
    """Return what an object's ``say_…`` method says in the page's language."""
    return str(getattr(speaker, f"say_{what}")(context["words"]))

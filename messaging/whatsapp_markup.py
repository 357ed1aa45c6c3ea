"""WhatsApp's own markup: what it makes bold, italic, struck through or monospaced.

Owns the rules and safe HTML from them. Whatever a person wrote is escaped; only the four elements
below come from here. `static/js/messaging/markup.js` has the same rules for the simulated phone.
"""

from __future__ import annotations

import re

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# A mark stands at the edge of a word and touches what it embraces, on one line: 2*3*4 is a sum and
# * is a bullet. Each part ends at the next mark of its kind, so a text is read once.
_MARKED = re.compile(
    r"```(?P<code_block>.+?)```"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*(?P<bold>(?![\s*])[^*\n]*(?<!\s))\*(?![\w*])"
    r"|(?<![^\W_])(?<!_)_(?P<italic>(?![\s_])[^_\n]*(?<!\s))_(?![^\W_])(?!_)"
    r"|(?<![\w~])~(?P<strike>(?![\s~])[^~\n]*(?<!\s))~(?![\w~])",
    re.DOTALL,
)
_ELEMENTS = {
    "bold": "<strong>{}</strong>",
    "italic": "<em>{}</em>",
    "strike": "<s>{}</s>",
    "code": "<code>{}</code>",
    "code_block": "<code>{}</code>",
}


def render_markup(text: str) -> SafeString:
    """Return a message as HTML, escaped, with WhatsApp's markup as elements."""
    parts: list[str] = []
    end = 0
    for found in _MARKED.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        kind = str(found.lastgroup)
        inner = found[kind]
        # Inside of bold there is no bold, so this ends after three levels.
        parts.append(
            format_html(_ELEMENTS[kind], inner if "code" in kind else render_markup(inner))
        )
    parts.append(text[end:])
    return format_html_join("", "{}", ((part,) for part in parts))

"""WhatsApp's markup is shown as a phone shows it, and nothing else becomes markup."""

from __future__ import annotations

import pytest

from messaging.whatsapp_markup import render_markup


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("*Total:* $12", "<strong>Total:</strong> $12"),
        ("_quizá_ ~no~ `x=1`", "<em>quizá</em> <s>no</s> <code>x=1</code>"),
        ("*muy _bien_ hecho*", "<strong>muy <em>bien</em> hecho</strong>"),
        ("```*a*\n_b_```", "<code>*a*\n_b_</code>"),
        ("2*3*4 y a_b_c", "2*3*4 y a_b_c"),
        ("* uno\n* dos", "* uno\n* dos"),
        ("*a\nb*", "*a\nb*"),
        ("**", "**"),
        ("(*sí*), ¿*no*?", "(<strong>sí</strong>), ¿<strong>no</strong>?"),
        ("*<b>&amp;*", "<strong>&lt;b&gt;&amp;amp;</strong>"),
        ("`<img src=x onerror=alert(1)>`", "<code>&lt;img src=x onerror=alert(1)&gt;</code>"),
    ],
)
def test_it_is_shown_as_a_phone_shows_it(said: str, shown: str) -> None:
    assert render_markup(said) == shown


@pytest.mark.parametrize("piece", ["*", "_", "~", "`", "```", "* ", "*a", "_a ", "*_~"])
def test_hostile_lengths_are_only_text(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    assert "<script" not in render_markup(f"{text}<script>")

"""What the strict Content-Security-Policy and automatic escaping demand of pages and scripts."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.sources import is_test, product_modules, relative, walk

TEMPLATE_RULES = {
    "an inline style": re.compile(r"<[a-z][^>]*\sstyle\s*=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "an inline handler": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=\s*[\"']", re.I),
    "a script without a source": re.compile(r"<script\b(?![^>]*\ssrc\s*=)", re.I),
    "a javascript: address": re.compile(r"=\s*[\"']?\s*javascript:", re.I),
    "text marked as safe": re.compile(r"\|\s*safe(?:seq)?\b|\{%\s*autoescape\s+off"),
    "something from another host": re.compile(
        r"<(?:script|link|img|iframe|audio|video|source)\b[^>]*\s(?:src|href)\s*=\s*[\"'](?:https?:)?//",
        re.I,
    ),
}

SCRIPT_RULES = {
    "HTML from text": re.compile(
        r"\.(?:inner|outer)HTML\b|\binsertAdjacentHTML\b|\bdocument\s*\.\s*write|"
        r"\bcreateContextualFragment\b|\bDOMParser\b|\bsetHTMLUnsafe\b|\bsrcdoc\b"
    ),
    "code from text": re.compile(
        r"\beval\s*\(|\bnew\s+Function\b|\bset(?:Timeout|Interval)\s*\(\s*[\"'`]"
    ),
    "an inline style": re.compile(r"setAttribute\(\s*[\"']style[\"']|\.cssText\b"),
}

# format_html, which escapes what it puts in, is the way to build markup in Python.
TRUSTED_MARKUP = {"mark_safe", "SafeString", "SafeText", "html_safe"}

TEMPLATE_COMMENT = re.compile(r"\{%\s*comment\b.*?%\}.*?\{%\s*endcomment\s*%\}|\{#.*?#\}", re.S)


def page_templates():
    """Yield the path and text of every template of the product, comments blanked out."""
    for path in walk(".html"):
        if not is_test(path):
            text = path.read_text(encoding="utf-8")
            # The line breaks stay, so that a finding's line number is right.
            yield path, TEMPLATE_COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)


def places(text, rule):
    return [text.count("\n", 0, found.start()) + 1 for found in rule.finditer(text)]


@pytest.mark.parametrize("what", sorted(TEMPLATE_RULES))
def test_no_template_holds(what):
    found = [
        f"{relative(path)}:{line}"
        for path, text in page_templates()
        for line in places(text, TEMPLATE_RULES[what])
    ]

    assert found == []


@pytest.mark.parametrize("what", sorted(SCRIPT_RULES))
def test_no_script_makes(what):
    found = [
        f"{relative(path)}:{line}"
        for path in walk(".js", ".mjs")
        if not is_test(path)
        for line in places(path.read_text(encoding="utf-8"), SCRIPT_RULES[what])
    ]

    assert found == []


def test_no_code_vouches_for_markup():
    found = [
        f"{module.name}:{node.lineno}"
        for module in product_modules()
        for node in module.nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in TRUSTED_MARKUP
    ]

    assert found == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("an inline style", '<p class="a" style="color: red">'),
        ("a style element", "<style>p {}</style>"),
        ("an inline handler", '<button onclick="go()">'),
        ("a script without a source", "<script>go()</script>"),
        ("a javascript: address", '<a href="javascript:go()">'),
        ("text marked as safe", "{{ answer|safe }}"),
        ("something from another host", '<img alt="" src="//example.com/a.png">'),
    ],
)
def test_each_template_rule_finds_its_example(rule, text):
    assert places(f"<p>\n{text}", TEMPLATE_RULES[rule]) == [2]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("HTML from text", "box.innerHTML = answer"),
        ("code from text", 'setTimeout("go()", 5)'),
        ("an inline style", 'box.setAttribute("style", "width: 1px")'),
    ],
)
def test_each_script_rule_finds_its_example(rule, text):
    assert places(f"\n{text}", SCRIPT_RULES[rule]) == [2]

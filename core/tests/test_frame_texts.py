"""The bar, the account menu and the foot speak the language of the page they are around."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from accounts.models import Profile
from core.frame_texts import FRAME

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, SPANISH = FRAME.texts["en"], FRAME.texts["es"]
#: Put together from a code, or asked for by a script.
MADE = re.compile(r"role_")


def test_both_languages_have_the_same_texts_with_the_same_places():
    assert list(ENGLISH) == list(SPANISH)
    for key, text in ENGLISH.items():
        assert text.strip(), key
        assert text != SPANISH[key], key
        names = [name for _, name, _, _ in string.Formatter().parse(text) if name]
        assert names == [n for _, n, _, _ in string.Formatter().parse(SPANISH[key]) if n], key


def test_every_text_is_used_and_every_text_used_exists():
    source = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    used = set(re.findall(r"\bframe\.(?!html)(\w+)", source)) - {"language", "query", "role"}

    assert used - set(ENGLISH) == set()
    assert [key for key in ENGLISH if key not in used and not MADE.match(key)] == []


def around(page):
    """Return the page without its own part."""
    assert "<main" in page
    return re.sub(r"<main.*?</main>|<dialog.*?</dialog>", "", page, flags=re.S)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/chat", "/history", "/workflows/"])
def test_a_spanish_page_has_a_spanish_bar_and_foot(browser_of, ana, acme, path):
    client = browser_of(ana)
    pages = {}
    for language in ("en", "es"):
        Profile.objects.update_or_create(user=ana, defaults={"language": language})
        pages[language] = client.get(path).content.decode()

    spanish, english = around(pages["es"]), around(pages["en"])
    assert '<html lang="es"' in spanish
    assert 'lang="en"' not in spanish
    for key in ("skip", "console", "talk", "conversations", "log_out", "role_owner", "foot"):
        assert SPANISH[key] in spanish, key
        assert ENGLISH[key] not in re.sub(r"<[^>]*>", "", spanish), key
        assert ENGLISH[key] in english, key


@pytest.mark.django_db
def test_a_page_in_english_only_keeps_an_english_bar(browser_of, ana):
    Profile.objects.update_or_create(user=ana, defaults={"language": "es"})

    page = around(browser_of(ana).get("/wallet/?lang=es").content.decode())

    assert '<html lang="en"' in page
    assert ENGLISH["log_out"] in page
    assert "lang=es" not in page


@pytest.mark.django_db
def test_a_language_that_was_asked_for_is_kept_between_chat_and_history(browser_of, vera):
    client = browser_of(vera)
    for path in ("/chat", "/history"):
        asked = client.get(f"{path}?lang=es").content.decode()
        bare = client.get(path).content.decode()
        for other in ("/chat", "/history"):
            assert f'href="{other}?lang=es"' in asked
            assert f'href="{other}"' not in asked
            assert f'href="{other}"' in bare

"""The chat page, the history and a replay in English and Spanish."""

from __future__ import annotations

import json
import re
import string
from html.parser import HTMLParser
from pathlib import Path

import pytest

from accounts.models import Profile
from agents.voice.course import NOT_UNDERSTOOD
from core.errors import ParleyError, RateLimitedError
from sessions.models import LatencyKind, SessionKind, UsagePart
from sessions.page_texts import en, es, history_en, history_es, say_from_server
from sessions.selectors import SessionNotFoundError
from sessions.services import chats, rooms, turns, voices
from sessions.services.conversations import create_session, open_conversation
from sessions.transports import describe_engine

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("static/js/voice-agent.js", "static/js/voice/chat-voice.js")
#: Families of keys whose end a script or a view puts together from a code.
MADE = re.compile(r"(problem|connection|agent|end|speech|status|language)_")
HISTORY_MADE = re.compile(r"(any|field|kind|status|transport|end|part|wait)_")


def places(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


class Reader(HTMLParser):
    """What a page says, in text and attributes, without what is marked as another language."""

    VOID = frozenset({"input", "img", "meta", "link", "br", "hr", "use"})
    SPEAKING = ("aria-label", "placeholder", "label", "title", "alt", "content")

    def __init__(self, language):
        super().__init__()
        self.language = language
        self.page_language = None
        self.said = []
        self.silent = [False]

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "html":
            self.page_language = found["lang"]
        foreign = found.get("lang", self.language) != self.language
        confirms = found.get("id") == "confirm-dialog"  # filled in when it is shown
        silent = self.silent[-1] or foreign or confirms or tag in ("script", "style")
        if not silent:
            self.said += [found[name] for name in self.SPEAKING if found.get(name)]
        if tag not in self.VOID:
            self.silent.append(silent)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            self.silent.pop()

    def handle_data(self, data):
        if not self.silent[-1]:
            self.said.append(data)


def read(answer, language):
    reader = Reader(language)
    reader.feed(answer.content.decode())
    return reader.page_language, " ".join(" ".join(reader.said).split())


def english_in(text, words=en):
    return [
        english
        for key, english in words.TEXTS.items()
        if key != "other_language"
        and not places(english)
        and re.search(rf"(?<!\w){re.escape(english)}(?!\w)", text)
    ]


@pytest.mark.parametrize(("english", "spanish"), [(en, es), (history_en, history_es)])
def test_both_languages_have_the_same_texts_with_the_same_places(english, spanish):
    assert list(english.TEXTS) == list(spanish.TEXTS)
    for key, text in english.TEXTS.items():
        assert places(text) == places(spanish.TEXTS[key]), key
        assert text.strip(), key
        assert spanish.TEXTS[key].strip(), key
        assert text != spanish.TEXTS[key], key


def test_every_text_of_the_history_is_used_and_every_text_used_exists():
    parts = ("templates/sessions/history.html", "templates/sessions/replay.html")
    used = set(re.findall(r"\bt\.(\w+)", "".join((ROOT / part).read_text() for part in parts)))
    parts = ("sessions/views.py", "sessions/forms.py", "sessions/page_texts/__init__.py")
    python = "".join((ROOT / part).read_text() for part in parts)
    used |= set(re.findall(r"words\[[\"'](\w+)[\"']\]", python))

    assert used - set(history_en.TEXTS) == set()
    unused = [key for key in history_en.TEXTS if key not in used and not HISTORY_MADE.match(key)]
    assert unused == []


@pytest.mark.django_db
def test_history_and_replay_in_spanish_say_nothing_in_english(browser_of, vera, settings):
    settings.CHAT_PUBLIC = True
    rows = [
        create_session(kind=SessionKind.CHAT, owner=vera, language="es").session for _ in range(26)
    ]
    row = open_conversation(voice_session=rows[-1])
    conversations_say(row)
    client = browser_of(vera)

    for path in ("/history", "/history?words=nichts", f"/history/{row.public_id}"):
        mark = "&" if "?" in path else "?"
        language, said = read(client.get(f"{path}{mark}lang=es"), "es")
        _, in_english = read(client.get(f"{path}{mark}lang=en"), "en")
        assert language == "es"
        assert english_in(said, history_en) == []
        assert len(english_in(in_english, history_en)) > 12

    page = client.get("/history?lang=es&kind=chat&until=2020-01-02&since=2021-01-01")
    body = page.content.decode()
    assert "Este día es anterior al primero." in body
    assert '<input type="hidden" name="lang" value="es">' in body
    assert 'href="?lang=en&amp;kind=chat&amp;until=2020-01-02&amp;since=2021-01-01"' in body
    listed = client.get("/history?lang=es").content.decode()
    assert f'href="/history/{row.public_id}?lang=es"' in listed
    assert re.search(r'href="\?lang=es&amp;before=[^"]+"', listed)


def conversations_say(row):
    turns.say(voice_session=row, text="Un calendario, todos los días.", client_id="c1")
    voices.record_latencies(
        voice_session_pk=row.pk, figures=[voices.LatencyFigure(LatencyKind.FIRST_AUDIO, 321)]
    )
    figure = voices.UsageFigure(UsagePart.STT, "openai", "whisper-1", audio_seconds=2.0)
    voices.record_usage(voice_session_pk=row.pk, fence=1, figures=[figure])


def test_every_text_is_used_and_every_text_used_exists():
    template = (ROOT / "templates/sessions/chat.html").read_text()
    scripts = "\n".join((ROOT / path).read_text() for path in SCRIPTS)
    view = (ROOT / "sessions/views.py").read_text()
    used = set(re.findall(r"\bt\.(\w+)", template))
    used |= set(re.findall(r'(?<![.\w])say\("(\w+)"', scripts))
    used |= set(re.findall(r'texts\["(\w+)"\]', view)) | {"muted"}

    assert used - set(en.TEXTS) == set()
    assert [key for key in en.TEXTS if key not in used and not MADE.match(key)] == []


def test_every_code_of_a_problem_has_its_words():
    found = set()
    for path in (ROOT / "static/js/voice").glob("*.js"):
        text = path.read_text()
        found |= set(re.findall(r'"((?:microphone|room)_[a-z]+(?:_[a-z]+)?)"', text))
        found |= set(re.findall(r'code: "(\w+)"', text))

    found.discard("microphone_number")  # a name, no problem
    assert {"microphone_denied", "room_left", "voice_needs_socket"} <= found
    assert [code for code in sorted(found) if f"problem_{code}" not in en.TEXTS] == []


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["visitor", "guest", "vera", "ana"])
def test_the_page_in_spanish_says_nothing_in_english(browser_of, vera, ana, acme, settings, who):
    settings.CHAT_PUBLIC = who == "guest"
    settings.LLM_ENABLED = who == "ana"
    client = browser_of({"vera": vera, "ana": ana}.get(who))

    language, said = read(client.get("/chat?lang=es"), "es")
    english_language, english = read(client.get("/chat?lang=en"), "en")

    assert (language, english_language) == ("es", "en")
    assert english_in(said) == []
    assert len(english_in(english)) > 20  # the list finds English where it is
    assert "Habla con el agente" in said
    if who != "ana":  # with a model it introduces nobody
        assert "Agente de práctica incluido: hace una entrevista corta de práctica." in said
        assert "Built-in practice agent" not in said
    if who in ("guest", "vera"):
        assert "Soy el agente de práctica incluido en Parley." in said
    if who == "ana":
        assert "Instrucciones para el agente (opcional)" in said


@pytest.mark.django_db
def test_the_script_gets_the_words_and_the_form_the_language_of_the_page(browser_of, vera):
    page = browser_of(vera).get("/chat?lang=es").content.decode()

    handed = re.search(r'<script id="page-texts" type="application/json">(.+?)</script>', page)
    words = json.loads(handed[1])
    assert (words["language"], words["texts"]) == ("es", es.TEXTS)
    assert ["This room name is taken\\. Choose another one\\.", es_of_taken()] in words["phrases"]
    assert '<option value="es" lang="es" selected>' in page
    assert page.count(" selected>") == 1
    assert 'href="?lang=en" lang="en"' in page


def es_of_taken():
    return say_from_server(rooms.RoomTakenError().detail, "es")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "profile", "accepts", "expected"),
    [
        ("/chat", None, "es-MX,es;q=0.9,en;q=0.5", "es"),
        ("/chat", None, "de", "en"),
        ("/chat?lang=en", None, "es", "en"),
        ("/chat?lang=xx", None, "es", "es"),
        ("/chat?lang=%3Cscript%3E", None, "de", "en"),
        ("/chat", "es", "en", "es"),
        ("/chat", "en", "es", "en"),
        ("/chat?lang=es", "en", "en", "es"),
    ],
)
def test_the_language_is_the_addresss_the_profiles_or_the_browsers(
    browser_of, vera, address, profile, accepts, expected
):
    if profile:
        Profile.objects.filter(user=vera).update(language=profile)

    answer = browser_of(vera if profile else None).get(
        address, headers={"accept-language": accepts}
    )

    assert read(answer, expected)[0] == expected
    assert "Accept-Language" in answer["Vary"]
    if profile:
        assert Profile.objects.get(user=vera).language == profile


@pytest.mark.django_db
def test_signing_in_leads_back_to_the_page_in_its_language(browser_of):
    page = browser_of().get("/chat?lang=es").content.decode()

    assert "?next=/chat%3Flang%3Des" in page


def test_what_voices_say_went_wrong_is_said_in_spanish():
    """Every sentence with a code of voice, read from where it is raised."""
    sources = [*(ROOT / "agents/voice").glob("*.py"), *(ROOT / "sessions/voice").glob("*.py")]
    text = "\n".join(path.read_text() for path in sources)
    found = set(re.findall(r'VoiceUnavailableError\(\s*"\w+",\s*"([^"]+)"', text))
    found |= set(re.findall(r'VoiceErrorCode\.\w+,\s*"([^"]+)"', text))
    found |= set(re.findall(r'_refuse\("\w+", "([^"]+)"\)', text))
    found |= set(re.findall(r'title="([A-Z][^"]+)"', text)) | {NOT_UNDERSTOOD}
    # Never shown: the page lets it pass (chat-voice.js).
    found.discard("More sound came than there is time; some of it was dropped.")

    assert len(found) > 12
    assert [words for words in sorted(found) if say_from_server(words, "es") == words] == []
    assert say_from_server(NOT_UNDERSTOOD, "es") == "No se ha entendido. Repítelo, o escribe."
    assert say_from_server("Anything else.", "es") == "Anything else."


@pytest.mark.django_db
def test_what_a_chat_is_refused_for_is_said_in_spanish(vera, settings):
    settings.CHAT_PUBLIC = False
    refusals = [
        lambda: chats.start_chat(owner=None, address="a"),
        lambda: chats.start_chat(owner=vera, address="a", system_prompt="Be kind."),
        lambda: rooms.check_room_name("survey-1"),
        lambda: turns._check_turn("x" * 9999, "c", None),
        lambda: turns._check_turn(" ", "c", None),
    ]
    details = [RateLimitedError(3).detail, SessionNotFoundError().detail]
    for refuse in refusals:
        with pytest.raises(ParleyError) as caught:
            refuse()
        details.append(caught.value.detail)

    assert [detail for detail in details if say_from_server(detail, "es") == detail] == []
    assert say_from_server("A turn has at most 2000 characters. Send it in two parts.", "es") == (
        "Un mensaje tiene 2000 caracteres como máximo. Envíalo en dos partes."
    )


def test_the_engines_are_described_in_spanish(monkeypatch, settings):
    from agents.voice.types import EngineKind

    for kind in (EngineKind.LOCAL, EngineKind.OPENAI):
        monkeypatch.setattr("sessions.transports.choose_engine", lambda _, kind=kind: kind)
        described = describe_engine("en")
        assert described != say_from_server(described, "es")

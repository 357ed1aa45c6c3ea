from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from agents.video.pipeline.slides import fonts, layouts, text
from agents.video.pipeline.slides.cmap import FontFileError, read_ranges
from agents.video.pipeline.types import ChartValue, Scene, SceneKind

PLACE = layouts.Place(2, 3, "What we heard")
LIGHT = (SceneKind.CHART, SceneKind.QUOTE, SceneKind.FIGURE, SceneKind.LIST)
LONG = "Unbelievably long words keep coming and nobody ever stops them. " * 15
DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
needs_dejavu = pytest.mark.skipif(not DEJAVU.is_file(), reason="needs the font DejaVu Sans")


@pytest.fixture(scope="module")
def book():
    return fonts.open_book()


def make_scene(kind, heading="Why they left", words="Because they waited", **fields):
    wanted = {
        "items": ("First point", "Second point"),
        "values": (ChartValue("Waiting", 62), ChartValue("Price", 21)),
        **fields,
    }
    return Scene(kind, heading, "", text=words, **wanted)


def ink_box(image, background):
    """Return the box around everything that is not background."""
    from PIL import Image, ImageChops

    return ImageChops.difference(image, Image.new("RGB", image.size, background)).getbbox()


@pytest.mark.parametrize("kind", list(SceneKind))
def test_every_kind_is_a_full_hd_picture_with_something_on_it(book, kind):
    image = layouts.draw_slide(book, make_scene(kind), PLACE).image

    assert image.size == (1920, 1080)
    assert len(image.getcolors(1 << 20)) > 50


EXTREMES = {
    "plain": {},
    "long": {
        "heading": LONG[:160],
        "words": LONG[:1000],
        "items": (LONG[:160],) * 8,
        "values": (ChartValue(LONG[:60], 1e12),) * 12,
    },
    "one word without end": {
        "heading": "x" * 160,
        "words": "W" * 1000,
        "items": ("Q" * 160,) * 8,
        "values": (ChartValue("M" * 60, 5),) * 12,
    },
    "right to left": {"heading": "لماذا يغادر العملاء", "words": "ما قاله لنا 214 شخصًا" * 9},
    "emoji": {"heading": "🚀🚀🚀", "words": "👩‍👩‍👧 ✓ ☺️ fine", "items": ("😀",)},
    "nothing but white": {"heading": " ", "words": "\n \t", "items": (), "values": ()},
}


@needs_dejavu
@pytest.mark.parametrize("name", list(EXTREMES))
@pytest.mark.parametrize("kind", LIGHT)
def test_nothing_leaves_the_page_or_enters_the_captions_band(book, kind, name):
    drawing = layouts.draw_slide(book, make_scene(kind, **EXTREMES[name]), PLACE)

    # The line at the top runs over the whole width; all else keeps the margins.
    left, _, right, bottom = ink_box(drawing.image.crop((0, 12, 1920, 1080)), layouts.PAPER)
    assert left >= layouts.MARGIN - 8
    assert right <= 1920 - layouts.MARGIN + 8
    assert bottom + 12 <= layouts.SAFE_BOTTOM + 4


@needs_dejavu
@pytest.mark.parametrize("name", list(EXTREMES))
@pytest.mark.parametrize("kind", [SceneKind.TITLE, SceneKind.CLOSING])
def test_dark_slides_keep_the_captions_band_free_of_words(book, kind, name):
    image = layouts.draw_slide(book, make_scene(kind, **EXTREMES[name]), PLACE).image

    band = image.crop((0, layouts.SAFE_BOTTOM + 4, 1920, 1080))
    brightest = max(max(colour) for _, colour in band.getcolors(1 << 20))
    assert brightest <= max(layouts.DARK_LIFT)


def test_text_that_cannot_fit_is_cut_and_says_so(book):
    style = text.Style(book.regular, 40, (0, 0, 0), 30)

    block = text.fit(book, LONG * 5, style, width=600, height=200)

    assert block.was_cut
    assert block.lines[-1].endswith("…")
    assert block.height <= 200
    assert block.width <= 600


def test_text_shrinks_before_it_is_cut_and_stays_large_when_it_can(book):
    style = text.Style(book.regular, 80, (0, 0, 0), 20)

    small = text.fit(book, LONG[:300], style, width=900, height=300)
    large = text.fit(book, "Short", style, width=900, height=300)

    assert not small.was_cut
    assert 20 <= small.size < 80
    assert "".join(small.lines).replace(" ", "") == LONG[:300].replace(" ", "")
    assert (large.size, large.lines) == (80, ("Short",))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(exclude_categories=("Cs", "Co", "Cn")), max_size=120))
def test_any_text_that_can_be_drawn_fits_its_box(words):
    book = fonts.open_book()
    style = text.Style(book.regular, 60, (0, 0, 0), 16)

    try:
        block = text.fit(book, words, style, width=700, height=260)
    except fonts.MissingLettersError:
        assume(False)

    assert block.width <= 700
    assert block.height <= 260


@needs_dejavu
def test_a_line_of_another_script_is_drawn_by_one_font_that_has_it(book):
    # Which letters the display font has depends on what is installed: some have Arabic ones.
    greetings = ("مرحبا بكم", "გამარჯობა ყველას", "ສະບາຍດີ ທຸກຄົນ", "ⴰⵣⵓⵍ ⵉⵎⵔⵔⴰ")
    for greeting in greetings:
        if any(book.display.has(one) for one in greeting if one.isalpha()):
            continue
        try:
            cleaned = book.clean(greeting)
        except fonts.MissingLettersError:
            continue
        break
    else:
        pytest.skip("no font here has a script that the display font lacks")
    (run,) = book.runs(cleaned, book.display)

    assert run.face is not book.display
    assert all(run.face.has(one) or one == " " for one in run.text)


@needs_dejavu
def test_a_symbol_inside_words_changes_no_letter(book):
    runs = book.runs("done ✓ well", book.regular)

    assert "".join(run.text for run in runs) == "done ✓ well"
    drawn = {run.face for run in runs if any(one.isalpha() for one in run.text)}
    assert drawn == {book.regular}


@needs_dejavu
def test_right_to_left_slides_are_mirrored(book):
    arabic = layouts.draw_slide(book, make_scene(SceneKind.LIST, "ما الذي حدث؟", ""), PLACE)
    heading = arabic.image.crop((0, 170, 1920, 280))

    left, _, right, _ = ink_box(heading, layouts.PAPER)
    assert right > 1920 - layouts.MARGIN - 20
    assert left > 900


def test_letters_no_font_has_are_an_error_that_says_what_to_install():
    plain = fonts.Face(None, ((0x20, 0x7E),))
    book = fonts.FontBook("Aileron", plain, plain, plain, [])

    with pytest.raises(fonts.MissingLettersError, match="fonts-noto-cjk"):
        layouts.draw_slide(book, make_scene(SceneKind.TITLE, "日本語"), PLACE)


def test_symbols_no_font_has_are_left_out_and_counted():
    plain = fonts.Face(None, ((0x20, 0x7E),))
    book = fonts.FontBook("Aileron", plain, plain, plain, [])

    assert book.clean("go 🚀 now \u200d") == "go  now "
    assert book.left_out == {"🚀"}


def test_without_any_font_file_pillows_own_is_used(monkeypatch):
    monkeypatch.setattr(fonts, "SYSTEM_FOLDERS", ())

    book = fonts.open_book()
    drawing = layouts.draw_slide(book, make_scene(SceneKind.TITLE), PLACE)

    assert book.family == "Aileron"
    assert book.bold.is_thin
    assert len(drawing.image.getcolors(1 << 20)) > 50


@needs_dejavu
def test_the_character_table_agrees_with_what_is_known_of_the_font():
    face = fonts.Face(DEJAVU, read_ranges(DEJAVU))

    assert all(face.has(one) for one in "Aé€ßЖعא☺😀")
    assert not any(face.has(one) for one in "日本語한🚀")


@pytest.mark.parametrize("content", [b"", b"ttcf", b"OTTO" + bytes(40), bytes(200)])
def test_a_file_that_is_no_font_is_refused(tmp_path, content):
    path = tmp_path / "font.ttf"
    path.write_bytes(content)

    with pytest.raises(FontFileError):
        read_ranges(path)


@needs_dejavu
def test_a_damaged_font_is_refused_or_read_never_a_crash(tmp_path):
    content = bytearray(DEJAVU.read_bytes()[:60_000])
    chance = random.Random(7)
    path = tmp_path / "font.ttf"
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(40):
            damaged[chance.randrange(4, 2_000)] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            read_ranges(path)
        except FontFileError:
            refused += 1

    assert refused > 0


@pytest.mark.parametrize(
    ("words", "share"),
    [
        ("62 %", 0.62),
        ("7,5%", 0.075),
        ("3 of 4", 0.75),
        ("2/3", 2 / 3),
        ("140 %", None),
        ("5 of 4", None),
        ("0 of 0", None),
        ("$1.2 million", None),
        ("62 % more", None),
    ],
)
def test_a_figure_that_is_a_share_gets_a_ring(words, share):
    assert layouts.read_share(words) == (share if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (62, "62"),
        (27.5, "27.5"),
        (1234, "1,234"),
        (0.25, "0.25"),
        (0.001, "0.001"),
        (4.5, "4.5"),
        (1_500_000, "1.5M"),
        (2e9, "2B"),
        (1e12, "1T"),
    ],
)
def test_numbers_are_short(value, shown):
    assert layouts.format_value(value) == shown


def test_the_drawing_process_loads_no_web_framework():
    program = (
        "import sys; import agents.video.pipeline.slides.worker; "
        "print([one for one in ('django', 'rest_framework', 'asyncio') if one in sys.modules])"
    )
    root = Path(__file__).resolve().parents[3]

    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == "[]"

"""`/simulator/` and `/inbox/` side by side: a person on one, an operator on the other."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, listening
from tests.browser.shop import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
ANSWER_MS = 20_000


@pytest.fixture(scope="module")
def shop(parley):
    """Return the server, whose company has a shop and an operator by now."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.shop"],
        cwd=ROOT, env=parley.environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return parley


@pytest.fixture
def sign_in(shop, visitor):
    """Return a function that gives a page of a fresh browser, signed in as somebody."""

    def arrive(who: str, **options):
        page = visitor(**options).new_page()
        page.goto(f"{shop.url}/account/login/")
        page.get_by_label(re.compile("mail", re.I)).first.fill(f"{who}@acme.test")
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        page.wait_for_url(lambda url: "/account/login/" not in url)
        return page

    return arrive


def add_phone(page, shop, name: str) -> None:
    page.goto(f"{shop.url}/simulator/")
    page.get_by_label("Another person").fill(name)
    page.get_by_role("button", name="Add phone").click()
    expect(page.locator("[data-phone]")).to_have_attribute("aria-label", f"Phone of {name}")
    page.wait_for_load_state("load")


def theirs(page):
    """Return what the shop has answered on the phone."""
    return page.locator(".bubble--theirs")


def write(page, words: str, answer: str | re.Pattern[str]) -> None:
    """Write on the phone and wait for the answer."""
    before = theirs(page).count()
    field = page.get_by_label("Message", exact=True)
    field.fill(words)
    field.press("Enter")
    expect_answer(page, answer, before)


def press(page, title: str, answer: str | re.Pattern[str]) -> None:
    """Press the last button of this title on the phone and wait for the answer."""
    before = theirs(page).count()
    page.locator(".bubble__choice", has_text=title).last.click()
    expect_answer(page, answer, before)


def expect_answer(page, answer: str | re.Pattern[str], before: int) -> None:
    fresh = page.locator(f".bubble--theirs:nth-of-type(n) >> nth={before}")
    expect(fresh).to_be_visible(timeout=ANSWER_MS)
    expect(theirs(page).filter(has_text=answer).last).to_be_visible(timeout=ANSWER_MS)


def test_from_hola_over_a_person_to_a_paid_survey(shop, sign_in):
    ana, beto = sign_in("ana"), sign_in("beto")
    beto.goto(f"{shop.url}/inbox/")
    with listening(ana) as on_phone, listening(beto) as in_inbox:
        add_phone(ana, shop, "Lucía")
        write(ana, "Hola", "Kettle & Co")
        # It appears in the operator's list without a reload.
        expect(beto.locator(".inbox__row", has_text="Lucía")).to_be_visible(timeout=ANSWER_MS)
        # Her own words have blue ticks: they were read.
        expect(ana.locator(".bubble--mine .is-read")).to_be_visible(timeout=ANSWER_MS)
        write(ana, "¿A qué hora abren el domingo?", "9:00–15:00")
        write(ana, "Quiero 2 bolsas de café Oaxaca de 250", "2 × Café Oaxaca")
        write(ana, "Quiero pagar", "domicilio")
        press(ana, "A domicilio", "dirección")
        write(ana, "Calle Orizaba 12, Roma Norte", "$370.00")
        write(ana, "Sí, confirmo", re.compile("P-\\d+|[Pp]aga"))
        with ana.context.expect_page() as opened:
            ana.locator("a.bubble__choice").last.click()
        paying = opened.value
        paying.get_by_role("button", name=re.compile("Pagar")).click()
        expect(paying.get_by_role("status").filter(has_text="Recibimos tu pago")).to_be_visible()
        paying.close()
        expect(theirs(ana).filter(has_text="Recibimos tu pago")).to_be_visible(timeout=ANSWER_MS)
        write(ana, "¿Dónde está mi pedido?", "pagado")
        write(ana, "La bolsa llegó rota", re.compile("[Cc]uéntame|pasó|foto"))
        write(ana, "Venía abierta por un lado y el café regado en toda la caja", "T-1001")
        write(ana, "Quiero hablar con una persona", "persona")

        # The operator finds it in the queue, with the order and the ticket beside it.
        beto.get_by_role("navigation", name="Views").get_by_text("Waiting").click()
        beto.locator(".inbox__row", has_text="Lucía").click()
        side = beto.locator(".inbox__side")
        expect(side.get_by_role("heading", name="Orders")).to_be_visible()
        expect(side).to_contain_text("T-1001")
        expect(beto.locator(".thread")).to_contain_text("café regado en toda la caja")
        beto.get_by_role("button", name="Take over").click()
        expect(beto.get_by_role("button", name="Give back")).to_be_visible()
        beto.wait_for_load_state("load")
        reply = beto.get_by_label("Reply to Lucía")
        reply.fill("Hola Lucía, soy Beto. Te mando otra bolsa.")
        reply.press("Control+Enter")
        expect(theirs(ana).filter(has_text="soy Beto")).to_be_visible(timeout=ANSWER_MS)
        expect(ana.locator("[data-phone-state]")).to_have_text("a person answers")
        # Both ends see that it was read, and what she writes arrives by itself; agents are silent.
        expect(beto.locator(".line--out", has_text="soy Beto")).to_contain_text(
            "Read", timeout=ANSWER_MS
        )
        shown = theirs(ana).count()
        ana.get_by_label("Message", exact=True).fill("¡Gracias, Beto! ¿A qué hora abren?")
        ana.get_by_label("Message", exact=True).press("Enter")
        expect(beto.locator(".line--in", has_text="¡Gracias, Beto!")).to_be_visible(
            timeout=ANSWER_MS
        )
        assert theirs(ana).count() == shown
        beto.get_by_label("Note", exact=True).fill("Otra bolsa sale hoy.")
        beto.get_by_role("button", name="Add note").click()
        expect(beto.locator(".line--note")).to_contain_text("Otra bolsa sale hoy.")
        beto.get_by_role("button", name="Give back").click()
        expect(beto.get_by_role("button", name="Take over")).to_be_visible()

        write(ana, "ENCUESTA CAFE", re.compile("[Aa]cept"))
        write(ana, "Sí, acepto", "listo")
        write(
            ana,
            "El lunes esperé doce minutos porque la cafetera estaba rota otra vez y nadie avisó.",
            re.compile("."),
        )
        write(
            ana,
            "Al final crucé la calle y pagué cuatro dólares por un café peor que el de ustedes.",
            re.compile("."),
        )
        write(ana, "listo", re.compile("monedero|[Gg]racias"))
        assert ana.locator("a.bubble__choice[href*='/wallet/']").count() >= 1
        expect(beto.locator(".line--in").last).to_contain_text("listo", timeout=ANSWER_MS)
    assert (on_phone, in_inbox) == ([], [])


def test_search_finds_words_and_an_operator_sends_a_picture(shop, sign_in):
    ana, beto = sign_in("ana"), sign_in("beto")
    add_phone(ana, shop, "Rosa")
    write(ana, "¿Tienen molino manual?", re.compile("[Mm]olino"))
    beto.goto(f"{shop.url}/inbox/")
    search = beto.get_by_label("Search names, numbers and words")
    search.fill("molino manual")
    search.press("Enter")
    expect(beto.locator(".inbox__row")).to_have_count(1)
    beto.locator(".inbox__row", has_text="Rosa").click()
    picture = {"name": "molino.png", "mimeType": "image/png", "buffer": TINY_PNG}
    beto.locator("#reply-file").set_input_files(files=[picture])
    beto.get_by_role("button", name="Send", exact=True).click()
    expect(beto.locator(".line--out").last).to_contain_text(
        re.compile("Sent|Delivered|Read"), timeout=ANSWER_MS
    )
    expect(theirs(ana).last.locator("img")).to_be_visible(timeout=ANSWER_MS)
    # Carried the other way: what she sends is fetched by a job and shown to the operator.
    ana.locator("[data-phone-file]").set_input_files(files=[picture])
    expect(beto.locator(".line--in img")).to_be_visible(timeout=ANSWER_MS)


def test_a_send_that_fails_is_said_in_the_inbox(shop, sign_in):
    ana, beto = sign_in("ana"), sign_in("beto")
    add_phone(ana, shop, "Inés")
    ana.get_by_text("Make WhatsApp misbehave").click()
    ana.get_by_label("Sends fail with code").fill("131026")
    ana.get_by_label("… how many more sends").fill("1")
    with ana.expect_navigation(wait_until="load"):
        ana.get_by_role("button", name="Apply").click()
    ana.get_by_label("Message", exact=True).fill("Hola")
    ana.get_by_label("Message", exact=True).press("Enter")
    beto.goto(f"{shop.url}/inbox/")
    beto.locator(".inbox__row", has_text="Inés").click(timeout=ANSWER_MS)
    expect(beto.locator(".line--out").last).to_contain_text("131026", timeout=ANSWER_MS)


def test_the_keyboard_alone_is_enough(shop, sign_in):
    beto = sign_in("beto")
    add_phone(beto, shop, "Teo")
    field = beto.get_by_label("Message", exact=True)
    field.focus()
    beto.keyboard.type("Hola")
    beto.keyboard.press("Enter")
    expect(theirs(beto).last).to_be_visible(timeout=ANSWER_MS)
    menu = beto.locator(".bubble__list summary").last
    menu.focus()
    beto.keyboard.press("Enter")
    beto.keyboard.press("Tab")
    before = theirs(beto).count()
    beto.keyboard.press("Enter")
    expect_answer(beto, re.compile("."), before)

    beto.goto(f"{shop.url}/inbox/")
    row = beto.locator(".inbox__row", has_text="Teo")
    row.focus()
    beto.keyboard.press("Enter")
    beto.wait_for_url(re.compile("/inbox/conversation_"))
    reply = beto.get_by_label("Reply to Teo")
    reply.focus()
    beto.keyboard.type("Hola Teo")
    beto.keyboard.press("Control+Enter")
    expect(beto.locator(".line--out", has_text="Hola Teo")).to_be_visible()
    # The list is read anew beside it; who stands on a row is not thrown off it.
    row.focus()
    row.evaluate("(node) => { node.dataset.old = 'yes'; }")
    phone = beto.context.new_page()
    phone.goto(f"{shop.url}/simulator/")
    phone.locator(".phone-link", has_text="Teo").click()
    phone.get_by_label("Message", exact=True).fill("¿A qué hora abren?")
    phone.get_by_label("Message", exact=True).press("Enter")
    expect(beto.locator(".inbox__row[data-old]")).to_have_count(0, timeout=ANSWER_MS)
    assert beto.evaluate("document.activeElement.textContent.includes('Teo')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_and_nothing_overflows(shop, sign_in, check_access, scheme, width):
    ana = sign_in("ana", color_scheme=scheme, viewport={"width": width, "height": 800})

    def look(screen: str) -> None:
        check_access(ana, f"{screen} {scheme} {width}", "body")
        wide = ana.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{screen} is {wide} px too wide"

    add_phone(ana, shop, "Axel")
    write(ana, "Hola", "Kettle & Co")
    write(ana, "Quiero pagar", re.compile("."))
    ana.get_by_text("Make WhatsApp misbehave").click()
    look("simulator")
    ana.goto(f"{shop.url}/inbox/")
    look("inbox")
    ana.locator(".inbox__row", has_text="Axel").first.click()
    ana.get_by_text("How it was routed").click()
    look("conversation")
    for path in ("", "questions/", "questions/new/", "catalogue/", "catalogue/new/", "templates/"):
        ana.goto(f"{shop.url}/shop/{path}")
        look(f"shop {path}")


TINY_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)

from __future__ import annotations

import io
import os
import socket
import struct
import threading
import zlib
from datetime import timedelta

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from accounts.tests.factories import make_user
from core import clock
from core.errors import ConflictError, ForbiddenError, InvalidInputError
from workflows.models import Outcome, OutcomeChange, ProofFile, ReviewState
from workflows.services.proofs import review_proof, sweep_orphans
from workflows.storage import proofs
from workflows.storage.inspection import MAX_BYTES
from workflows.tests.builders import NOON, fresh, image_bytes, make_execution, pdf_bytes

pytestmark = pytest.mark.django_db
HTML = b"<html><script>alert(1)</script></html>"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Keep the proofs of a test in a folder of its own."""
    storage = FileSystemStorage(location=str(tmp_path / "proofs"), base_url=None)
    monkeypatch.setattr(proofs, "proof_storage", lambda: storage)
    return tmp_path / "proofs"


def stored(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def send(client, execution, content, name="proof.png", sent_type="image/png", **fields):
    """Send the form as a browser would, or as somebody who writes the name by hand."""
    fields = {
        "execution_id": execution.public_id,
        "metric_type": "revenue",
        "value": "10",
        "currency": "USD",
        **fields,
    }
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{text}\r\n'.encode()
        for field, text in fields.items()
    ]
    head = (
        f'--cut\r\nContent-Disposition: form-data; name="proof"; filename="{name}"\r\n'
        f"Content-Type: {sent_type}\r\n\r\n"
    )
    body = b"".join(parts) + head.encode() + content + b"\r\n--cut--\r\n"
    return client.generic("POST", "/api/outcome", body, "multipart/form-data; boundary=cut")


def heic_bytes():
    import pillow_heif

    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "orange")).save(buffer)
    return buffer.getvalue()


def huge_png(side=12_000):
    """Return a PNG of 144 million pixels in a few kilobytes."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    packer = zlib.compressobj(9)
    row = b"\0" * (side // 8 + 1)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def exif_jpeg(size=(60, 40)):
    image = Image.new("RGB", size, "navy")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "secret place 48.1N"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_a_photo_is_drawn_anew_upright_and_without_what_was_in_it(ana, api_of, folder):
    execution = make_execution(ana)

    answer = send(api_of(ana), execution, exif_jpeg(), "holiday.JPG", "image/jpeg")

    proof = ProofFile.objects.get()
    (path,) = stored(folder)
    content = path.read_bytes()
    kept = Image.open(io.BytesIO(content))
    assert answer.status_code == 201
    assert answer.json()["proof"]["name"] == "holiday.JPG"
    assert answer.json()["proof"]["review_state"] == "pending"
    assert answer.json()["proof"]["scan"] == "not_scanned"
    assert (kept.format, kept.size, dict(kept.getexif())) == ("JPEG", (40, 60), {})
    assert b"secret place" not in content
    assert (proof.size_bytes, proof.width, proof.height) == (len(content), 40, 60)
    assert path.parent.name == ana.public_id
    assert "holiday" not in path.name


@pytest.mark.parametrize(
    ("content", "name", "kind", "ending"),
    [
        (lambda: image_bytes("PNG"), "a.png", "image", "png"),
        (lambda: image_bytes("JPEG"), "a.jpeg", "image", "jpg"),
        (lambda: image_bytes("WEBP"), "a.webp", "image", "jpg"),
        (heic_bytes, "IMG_0001.HEIC", "image", "jpg"),
        (pdf_bytes, "invoice.pdf", "pdf", "pdf"),
        (lambda: image_bytes("PNG", (3000, 1000)), "wide.png", "image", "png"),
        (lambda: image_bytes("PNG"), "Über die Brücke.png", "image", "png"),
    ],
)
def test_every_allowed_kind_is_taken_whatever_type_the_sender_says(
    ana, api_of, folder, content, name, kind, ending
):
    answer = send(api_of(ana), make_execution(ana), content(), name, "text/html")

    (path,) = stored(folder)
    assert (answer.status_code, answer.json()["proof_type"]) == (201, kind)
    assert path.suffix == f".{ending}"
    if kind == "image":
        assert max(Image.open(io.BytesIO(path.read_bytes())).size) <= 2048


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"", "a.png", 400, "proof_empty"),
        (image_bytes("PNG") + b"\0" * MAX_BYTES, "a.png", 413, "proof_too_large"),
        (HTML, "a.png", 400, "proof_type_refused"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", 400, "proof_type_refused"),
        (b"<svg onload='alert(1)'/>", "a.png", 400, "proof_type_refused"),
        (b"MZ" + os.urandom(400), "a.png", 400, "proof_type_refused"),
        (b"\x7fELF" + b"\0" * 400, "photo.jpg", 400, "proof_type_refused"),
        (b"PK\x03\x04\x14\x00" + b"\0" * 400, "a.pdf", 400, "proof_type_refused"),
        (b"GIF89a/*" + HTML, "a.gif", 400, "proof_type_refused"),
        (b"plain text", "a.txt", 400, "proof_type_refused"),
        (image_bytes("JPEG") + HTML, "a.jpg", 400, "proof_not_only_an_image"),
        (image_bytes("PNG") + b"<?php echo 1;", "a.png", 400, "proof_not_only_an_image"),
        (image_bytes("PNG") + pdf_bytes(), "a.png", 400, "proof_not_only_an_image"),
        (image_bytes("JPEG") + b"PK\x03\x04\x14\x00x", "a.jpg", 400, "proof_not_only_an_image"),
        (b"\xff\xd8\xff\xe0" + b"no image" * 40, "a.jpg", 400, "proof_broken"),
        (image_bytes("PNG", (400, 400))[:-60], "a.png", 400, "proof_broken"),
        (huge_png(), "a.png", 400, "proof_too_many_pixels"),
        (image_bytes("PNG"), "a.jpg", 400, "proof_ending_wrong"),
        (image_bytes("PNG"), "a.png.exe", 400, "proof_ending_wrong"),
        (image_bytes("PNG"), "noending", 400, "proof_ending_wrong"),
        (pdf_bytes(), "a.png", 400, "proof_ending_wrong"),
        (pdf_bytes() + HTML, "a.pdf", 400, "proof_not_only_a_pdf"),
        (pdf_bytes() + b" " * 100, "a.pdf", 400, "proof_not_only_a_pdf"),
        (pdf_bytes(b"/OpenAction<</S/JavaScript/JS(x)>>"), "a.pdf", 400, "proof_pdf_active"),
        (b"%PDF-1.4 nothing else in here at all", "a.pdf", 400, "proof_broken"),
        (image_bytes("PNG"), "../../etc/passwd.png", 400, "proof_name_invalid"),
        (image_bytes("PNG"), "..\\..\\boot.png", 400, "proof_name_invalid"),
        (image_bytes("PNG"), "/etc/passwd.png", 400, "proof_name_invalid"),
        (image_bytes("PNG"), "a..png", 400, "proof_name_invalid"),
        (image_bytes("PNG"), "gpj\N{RIGHT-TO-LEFT OVERRIDE}.png", 400, "proof_name_invalid"),
        (image_bytes("PNG"), "x" * 300 + ".png", 400, "proof_name_invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_proof_is_refused_with_a_reason_and_nothing_is_stored(
    ana, api_of, folder, content, name, status, code
):
    execution = make_execution(ana)

    answer = send(api_of(ana), execution, content, name)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert problem["errors"][0]["pointer"] == "/proof"
    assert len(problem["detail"]) > 20
    assert stored(folder) == []
    assert Outcome.objects.count() == ProofFile.objects.count() == 0


def test_five_mebibytes_pass_and_one_byte_more_does_not(ana, api_of, folder):
    room = MAX_BYTES - len(pdf_bytes(b"%"))
    whole = pdf_bytes(b"%" + b"a" * room)
    assert len(whole) == MAX_BYTES

    taken = send(api_of(ana), make_execution(ana), whole, "a.pdf")
    refused = send(api_of(ana), make_execution(ana), pdf_bytes(b"%" + b"a" * (room + 1)), "a.pdf")

    assert taken.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (413, "proof_too_large")
    assert len(stored(folder)) == 1


def test_a_body_far_over_the_limit_is_refused_before_it_is_read(ana, api_of):
    answer = send(api_of(ana), make_execution(ana), b"x" * (MAX_BYTES + 200_000), "a.pdf")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_two_files_and_other_fields_are_refused(ana, api_of, folder):
    answer = api_of(ana).post(
        "/api/outcome",
        {
            "execution_id": make_execution(ana).public_id,
            "proof": SimpleUploadedFile("a.png", image_bytes()),
            "other": SimpleUploadedFile("b.png", image_bytes()),
        },
        format="multipart",
    )

    assert answer.json()["code"] == "proof_only_one"
    assert stored(folder) == []


def test_a_kind_that_is_not_what_was_said_is_refused(ana, api_of, folder):
    answer = send(api_of(ana), make_execution(ana), pdf_bytes(), "a.pdf", proof_type="image")

    assert answer.json()["code"] == "proof_type_differs"
    assert stored(folder) == []
    assert Outcome.objects.count() == 0


def test_a_refused_value_stores_no_file(ana, api_of, folder):
    answer = send(api_of(ana), make_execution(ana), image_bytes(), value="-3")

    assert answer.json()["code"] == "value_invalid"
    assert stored(folder) == []


def test_a_row_that_cannot_be_written_leaves_no_file(ana, api_of, folder, monkeypatch):
    def fail(**kwargs):
        raise ConflictError("boom", "no")

    monkeypatch.setattr("workflows.services.outcomes.attach_proof", fail)
    execution = make_execution(ana)

    answer = send(api_of(ana), execution, image_bytes())

    assert answer.status_code == 409
    assert stored(folder) == []
    assert Outcome.objects.count() == 0
    assert fresh(execution).first_outcome_at is None


def test_a_new_proof_takes_the_place_of_the_old(
    ana, api_of, folder, django_capture_on_commit_callbacks
):
    client = api_of(ana)
    outcome_id = send(client, make_execution(ana), image_bytes()).json()["outcome_id"]
    (first,) = stored(folder)

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.patch(
            f"/api/outcome/{outcome_id}",
            {"proof": SimpleUploadedFile("bill.pdf", pdf_bytes())},
            format="multipart",
        )

    (second,) = stored(folder)
    assert answer.json()["proof_type"] == "pdf"
    assert first != second
    assert ProofFile.objects.count() == 1


def download(browser, proof, **query):
    return browser.get(reverse("workflow_proof", args=[proof.public_id]), query)


def test_a_proof_opens_for_its_person_and_nobody_else(ana, beto, carla, api_of, browser_of):
    send(api_of(ana), make_execution(ana), image_bytes(), "bill ü.png")
    proof = ProofFile.objects.get()

    own = download(browser_of(ana), proof)

    assert own.status_code == 200
    assert b"".join(own.streaming_content).startswith(b"\x89PNG")
    assert own["Content-Type"] == "image/png"
    assert own["Content-Disposition"].startswith('inline; filename="bill _.png"')
    assert "sandbox" in own["Content-Security-Policy"]
    assert own["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in own["Cache-Control"]
    for stranger in (beto, carla):
        assert download(browser_of(stranger), proof).status_code == 404
    assert download(browser_of(), proof)["Location"].startswith("/account/login/")


def test_a_pdf_is_only_ever_a_download(ana, api_of, browser_of):
    send(api_of(ana), make_execution(ana), pdf_bytes(), "bill.pdf")

    answer = download(browser_of(ana), ProofFile.objects.get())

    assert answer["Content-Disposition"].startswith("attachment;")
    assert b"".join(answer.streaming_content) == pdf_bytes()


def test_a_storage_with_links_of_its_own_gets_a_short_one(ana, api_of, browser_of, monkeypatch):
    send(api_of(ana), make_execution(ana), pdf_bytes(), "bill.pdf")
    asked = {}

    class LinkingStorage:
        def url(self, key, *, expire, parameters):
            asked.update(key=key, expire=expire, **parameters)
            return "https://bucket.example/signed"

    monkeypatch.setattr(proofs, "proof_storage", LinkingStorage)
    proof = ProofFile.objects.get()

    answer = download(browser_of(ana), proof)

    assert (answer.status_code, answer["Location"]) == (302, "https://bucket.example/signed")
    assert (asked["key"], asked["expire"]) == (proof.storage_key, 120)
    assert asked["ResponseContentDisposition"].startswith("attachment")


def test_the_storage_of_proofs_is_a_folder_of_its_own_and_never_overwrites(settings):
    storage = storages["proofs"]

    first = storage.save("person/key.png", ContentFile(b"first"))
    second = storage.save("person/key.png", ContentFile(b"second"))

    assert storage.path("x").startswith(f"{settings.MEDIA_ROOT}/proofs/")
    assert first != second
    with storage.open(first) as kept:
        assert kept.read() == b"first"
    for key in (first, second):
        storage.delete(key)


@pytest.fixture
def reviewer(db):
    person = make_user("rita@parley.test", full_name="Rita")
    person.is_staff = person.is_superuser = True
    person.save()
    return person


def test_a_rejected_proof_takes_its_result_out_of_the_figures(ana, reviewer, api_of):
    execution = make_execution(ana)
    client = api_of(ana)
    send(client, execution, image_bytes())
    proof = ProofFile.objects.get()

    review_proof(
        proof=proof, state=ReviewState.REJECTED, reviewer=reviewer, reason="The sum is cut off"
    )

    shown = client.get("/api/outcomes").json()["results"][0]
    assert (shown["is_counted"], shown["proof"]["review_reason"]) == (False, "The sum is cut off")
    assert fresh(execution).first_outcome_at is None
    review_proof(proof=proof, state=ReviewState.ACCEPTED, reviewer=reviewer)
    assert fresh(execution).first_outcome_at is not None
    assert list(OutcomeChange.objects.order_by("pk").values_list("kind", flat=True)) == [
        "logged",
        "proof_added",
        "proof_rejected",
        "proof_accepted",
    ]


def test_who_may_not_review_changes_nothing(ana, beto, reviewer, api_of):
    send(api_of(ana), make_execution(ana), image_bytes())
    proof = ProofFile.objects.get()

    with pytest.raises(ForbiddenError, match="Only administrators"):
        review_proof(proof=proof, state=ReviewState.ACCEPTED, reviewer=beto)
    with pytest.raises(InvalidInputError, match="Say why"):
        review_proof(proof=proof, state=ReviewState.REJECTED, reviewer=reviewer, reason=" ")
    send(api_of(reviewer), make_execution(reviewer), image_bytes())
    own = ProofFile.objects.get(person=reviewer)
    with pytest.raises(ForbiddenError, match="their own"):
        review_proof(proof=own, state=ReviewState.ACCEPTED, reviewer=reviewer)
    assert set(ProofFile.objects.values_list("review_state", flat=True)) == {"pending"}


def test_the_review_queue_is_in_the_admin(ana, reviewer, api_of, browser_of):
    send(api_of(ana), make_execution(ana), image_bytes())
    proof = ProofFile.objects.get()
    browser = browser_of(reviewer)
    page = reverse("admin:workflows_prooffile_changelist")

    assert proof.original_name in browser.get(page).content.decode()
    opened = download(browser, proof)
    assert opened.status_code == 200
    assert b"".join(opened.streaming_content).startswith(b"\x89PNG")
    browser.post(page, {"action": "reject", "_selected_action": [proof.pk], "reason": ""})
    assert fresh(proof).review_state == "pending"
    browser.post(page, {"action": "reject", "_selected_action": [proof.pk], "reason": "Blurred"})
    assert (fresh(proof).review_state, fresh(proof).review_reason) == ("rejected", "Blurred")
    assert fresh(proof).reviewed_by == reviewer


def clamd(answer):
    """Serve one scan with clamd's protocol; return the port and what was streamed."""
    server = socket.create_server(("127.0.0.1", 0))
    streamed = bytearray()

    def serve():
        link, _ = server.accept()
        with link, link.makefile("rb") as reader:
            assert reader.read(10) == b"zINSTREAM\0"
            while size := struct.unpack("!L", reader.read(4))[0]:
                streamed.extend(reader.read(size))
            link.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return server, streamed, thread


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (b"stream: OK\0", 201, None),
        (b"stream: Eicar-Signature FOUND\0", 400, "proof_infected"),
        (b"INSTREAM size limit exceeded. ERROR\0", 503, "proof_scanner_down"),
    ],
)
def test_the_scanner_sees_what_came_in(ana, api_of, folder, settings, answer, status, code):
    server, streamed, thread = clamd(answer)
    settings.PROOF_SCANNER_URL = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    content = image_bytes("PNG", (300, 300))

    sent = send(api_of(ana), make_execution(ana), content)

    thread.join(5)
    server.close()
    assert sent.status_code == status
    assert bytes(streamed) == content
    if code:
        assert sent.json()["code"] == code
        assert stored(folder) == []
        assert Outcome.objects.count() == 0
    else:
        assert sent.json()["proof"]["scan"] == "clean"


def test_a_scanner_that_is_down_stores_nothing(ana, api_of, folder, settings):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings.PROOF_SCANNER_URL = f"tcp://127.0.0.1:{port}"

    answer = send(api_of(ana), make_execution(ana), image_bytes())

    assert (answer.status_code, answer.json()["code"]) == (503, "proof_scanner_down")
    assert answer["Retry-After"] == "30"
    assert stored(folder) == []


def test_files_no_row_names_are_swept_after_a_day(ana, api_of, folder):
    send(api_of(ana), make_execution(ana), image_bytes())
    orphan = proofs.store_proof(b"left by a crash", owner_id=ana.public_id, ending="png")
    yesterday = (NOON - timedelta(days=2)).timestamp()
    for path in stored(folder):
        os.utime(path, (yesterday, yesterday))
    young = proofs.store_proof(b"being written", owner_id=ana.public_id, ending="png")
    now = clock.now()
    os.utime(folder / young, (now.timestamp(), now.timestamp()))

    assert sweep_orphans() == 1
    assert sweep_orphans() == 0

    assert not (folder / orphan).exists()
    assert (folder / young).exists()
    assert (folder / ProofFile.objects.get().storage_key).exists()


def test_a_day_later_an_orphan_is_old(ana, folder):
    proofs.store_proof(b"x", owner_id=ana.public_id, ending="png")

    assert sweep_orphans() == 0
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        assert sweep_orphans() == 1
    assert stored(folder) == []

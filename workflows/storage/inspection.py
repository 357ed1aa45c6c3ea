"""What a file really is, and a harmless copy of it. Bytes in, bytes out; knows no row.

The name and the type a browser sends are believed in nothing. The bytes must be of an allowed
kind, an image must decode to its last pixel and is drawn anew without whatever else was in the
file, and a name whose ending says something else is refused: whoever opens it later goes by that.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import unicodedata
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from core.errors import InvalidInputError, ParleyError, TooLargeError
from core.text import clean_text

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_PIXELS: Final = 40_000_000
MAX_SIDE: Final = 2048
MAX_NAME_CHARS: Final = 120
MIN_PDF_BYTES: Final = 32
#: Endings by detected media type.
ENDINGS: Final[dict[str, tuple[str, ...]]] = {
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "image/heic": ("heic", "heif"),
    "application/pdf": ("pdf",),
}
ACCEPTED_ENDINGS: Final = tuple(one for endings in ENDINGS.values() for one in endings)
_FORMATS: Final = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/heic": "HEIF",
}
_JPEG_QUALITY: Final = 88
# A second face: what a browser, an interpreter or an unpacker would find in the same bytes.
_SECOND_FACE = re.compile(
    rb"<(?:script|html|iframe|body|svg)[\s>/]|<!doctype|<\?php|PK\x03\x04[\x0a\x14\x2d\x33]\x00",
    re.IGNORECASE,
)
_PDF_INSIDE = re.compile(rb"%PDF-[12]\.[0-9]")
_ACTIVE_PDF = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFile|RichMedia)\b")
_PDF_TAIL_BYTES: Final = 64
# Each takes up to 160 MB while it decodes: more at once would be a way to bring a server down.
_decoders = threading.BoundedSemaphore(2)


@dataclass(frozen=True, slots=True)
class PreparedProof:
    """A file that may be stored."""

    kind: str
    """``image`` or ``pdf``."""
    name: str
    """What it was called, fit to be shown."""
    content_type: str
    ending: str
    """Of the stored bytes, without a dot."""
    content: bytes
    width: int | None = None
    height: int | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def prepare_proof(content: bytes, name: str) -> PreparedProof:
    """Look at a file and return the copy that may be stored.

    Args:
        content: the whole file, at most one byte more than allowed.
        name: as the sender calls it.

    Raises:
        TooLargeError: more than `MAX_BYTES`.
        InvalidInputError: no file of an allowed kind, broken, or something else besides; the
            code says which.
    """
    if len(content) > MAX_BYTES:
        raise too_large()
    if not content:
        raise refused("proof_empty", "This file is empty. Choose another one.")
    shown = check_name(name)
    found = _sniff(content)
    _check_ending(shown, found)
    if found == "application/pdf":
        _check_pdf(content)
        return PreparedProof("pdf", shown, found, "pdf", content)
    _check_one_face(content)
    with _decoders:
        return _redraw(content, found, shown)


def too_large() -> TooLargeError:
    """Return the refusal of a file over the limit."""
    detail = "This file is larger than 5 MB. Choose a smaller one, or a screenshot of it."
    return TooLargeError("proof_too_large", detail, extra=_at_proof("proof_too_large", detail))


def refused(code: str, detail: str) -> InvalidInputError:
    """Return the refusal of a file, marked at its field."""
    return InvalidInputError(code, detail, extra=_at_proof(code, detail))


def check_name(name: str) -> str:
    """Return the name as it may be shown.

    Raises:
        InvalidInputError: it leads to another folder, hides characters, or is too long.
    """
    plain = unicodedata.normalize("NFC", name).strip()
    if not plain:
        raise refused("proof_name_invalid", "This file has no name. Rename it and try again.")
    if re.search(r"[/\\\x00-\x1f\x7f]|^\.+$|\.\.", plain) or clean_text(plain, 1000).text != plain:
        raise refused(
            "proof_name_invalid",
            "This file's name has characters of a path or hidden ones. Rename it and try again.",
        )
    if len(plain) > MAX_NAME_CHARS:
        raise refused(
            "proof_name_invalid",
            f"A file's name has at most {MAX_NAME_CHARS} characters here. Rename it and try again.",
        )
    return plain


def _sniff(content: bytes) -> str:
    import filetype

    kind = filetype.guess(content[:8192])
    found = str(kind.mime) if kind is not None else ""
    if found in ("image/heif", "image/heic-sequence"):
        found = "image/heic"
    if found not in ENDINGS:
        raise refused(
            "proof_type_refused",
            "Only JPEG, PNG, WebP, HEIC and PDF are taken as proof. Take a screenshot of anything "
            "else.",
        )
    return found


def _check_ending(name: str, found: str) -> None:
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in ENDINGS[found]:
        wanted = found.partition("/")[2].upper()
        raise refused(
            "proof_ending_wrong",
            f"This file is a {wanted}, and its name says otherwise. Rename it so that it ends in "
            f".{ENDINGS[found][0]}, or choose another one.",
        )


def _check_one_face(content: bytes) -> None:
    if _SECOND_FACE.search(content) or _PDF_INSIDE.search(content):
        raise refused(
            "proof_not_only_an_image",
            "There is something else inside this image. Take a screenshot of it and send that.",
        )


def _check_pdf(content: bytes) -> None:
    end = content.rfind(b"%%EOF")
    if len(content) < MIN_PDF_BYTES or not content.startswith(b"%PDF-") or end < 0:
        raise _broken()
    if len(content) - end > _PDF_TAIL_BYTES or _SECOND_FACE.search(content):
        raise refused(
            "proof_not_only_a_pdf",
            "There is something else inside this PDF. Print it to a new PDF and send that.",
        )
    if _ACTIVE_PDF.search(content):
        raise refused(
            "proof_pdf_active",
            "This PDF runs programs or carries other files. Print it to a new PDF and send that.",
        )


def _redraw(content: bytes, found: str, name: str) -> PreparedProof:
    from PIL import Image, ImageOps, UnidentifiedImageError

    if found == "image/heic":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    try:
        with warnings.catch_warnings():
            # We have a limit of our own, far below the one Pillow warns at.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=[_FORMATS[found]])
        with picture as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise _too_many_pixels(opened)
            opened.load()
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((MAX_SIDE, MAX_SIDE))
            return _encode(upright, found, name)
    except Image.DecompressionBombError as error:
        raise refused(
            "proof_too_many_pixels", "This image has too many pixels. Send a smaller one."
        ) from error
    except ParleyError:
        raise
    except UnidentifiedImageError as error:
        raise _broken() from error
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError, MemoryError) as error:
        # What decoders raise on broken files; none of it is ours.
        raise _broken() from error
    except (
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RuntimeError,
        ArithmeticError,
    ) as error:
        # A damaged header leads some of Pillow's readers into these.
        raise _broken() from error


def _encode(image: Image.Image, found: str, name: str) -> PreparedProof:
    """Draw the image anew into fresh pixels: what was around them in the file stays behind."""
    from PIL import Image

    is_png = found == "image/png"
    mode = "RGBA" if _has_transparency(image) else "RGB"
    pixels = image.convert(mode)
    if mode == "RGBA" and not is_png:
        ground = Image.new("RGB", pixels.size, "white")
        ground.paste(pixels, mask=pixels.getchannel("A"))
        pixels = ground
    fresh = Image.new(pixels.mode, pixels.size)
    fresh.paste(pixels)
    buffer = io.BytesIO()
    if is_png:
        fresh.save(buffer, "PNG", optimize=False, compress_level=6)
    if not is_png or buffer.tell() > MAX_BYTES:
        buffer = io.BytesIO()
        fresh.convert("RGB").save(buffer, "JPEG", quality=_JPEG_QUALITY, progressive=True)
        is_png = False
    return PreparedProof(
        "image",
        name,
        "image/png" if is_png else "image/jpeg",
        "png" if is_png else "jpg",
        buffer.getvalue(),
        fresh.width,
        fresh.height,
    )


def _has_transparency(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _too_many_pixels(image: Image.Image) -> InvalidInputError:
    millions = round(image.width * image.height / 1_000_000)
    return refused(
        "proof_too_many_pixels",
        f"This image has {millions} million pixels; {MAX_PIXELS // 1_000_000} million is the most. "
        "Send a smaller one.",
    )


def _broken() -> InvalidInputError:
    return refused(
        "proof_broken", "This file is damaged or not what it says it is. Choose another one."
    )


def _at_proof(code: str, detail: str) -> dict[str, Any]:
    return {"errors": [{"pointer": "/proof", "code": code, "detail": detail}]}

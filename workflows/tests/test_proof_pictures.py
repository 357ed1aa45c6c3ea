"""What is left of a picture once it has been drawn anew."""

from __future__ import annotations

import io

from PIL import Image

from workflows.storage.inspection import prepare_proof


def test_an_animation_keeps_its_first_picture_only():
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], lossless=True)

    prepared = prepare_proof(buffer.getvalue(), "a.webp")

    kept = Image.open(io.BytesIO(prepared.content))
    assert getattr(kept, "n_frames", 1) == 1
    assert kept.getpixel((5, 5))[0] > 200


def test_colours_that_are_no_rgb_are_converted():
    for mode in ("CMYK", "L"):
        buffer = io.BytesIO()
        Image.new(mode, (10, 10)).save(buffer, "JPEG")
        assert prepare_proof(buffer.getvalue(), "a.jpg").content_type == "image/jpeg"
    buffer = io.BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(buffer, "PNG")
    prepared = prepare_proof(buffer.getvalue(), "a.png")
    assert Image.open(io.BytesIO(prepared.content)).mode == "RGBA"

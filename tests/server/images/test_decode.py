import io
import struct

import numpy as np
import pytest
from PIL import Image

from scoring_server.images.decode import MAX_ASPECT_RATIO, decode
from scoring_server.images.errors import ImageRefused
from tests.server.pictures import BLUE, GREEN, RED, encode, plain, png_header


def colour(image: Image.Image, x: int = 0, y: int = 0) -> tuple[int, ...]:
    pixel = image.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel


def near(found: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(found, wanted, strict=True)) <= 3


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_the_three_formats_are_read(image_format: str) -> None:
    image = decode(plain(RED, (40, 30), image_format))
    assert (image.mode, image.size) == ("RGB", (40, 30))
    assert near(colour(image), RED)


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (0, 0)), (3, (39, 29)), (6, (29, 0)), (8, (0, 39))]
)
def test_exif_orientation_turns_the_picture_upright(
    orientation: int, corner: tuple[int, int]
) -> None:
    image = Image.new("RGB", (40, 30), BLUE)
    image.paste(RED, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(encode(image, "JPEG", exif=exif, quality=95))
    assert decoded.size == ((40, 30) if orientation in {1, 3} else (30, 40))
    assert near(colour(decoded, *corner), RED)


def test_damaged_exif_does_not_refuse_the_picture() -> None:
    data = encode(Image.new("RGB", (40, 30), GREEN), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff")
    assert near(colour(decode(data)), GREEN)


def test_a_palette_becomes_its_colours() -> None:
    image = Image.new("RGB", (16, 16), GREEN).quantize(4)
    assert near(colour(decode(encode(image))), GREEN)


def test_transparency_becomes_white() -> None:
    clear = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    assert colour(decode(encode(clear))) == (255, 255, 255)
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([*RED, *BLUE])
    assert colour(decode(encode(palette, transparency=0))) == (255, 255, 255)
    grey = Image.new("LA", (16, 16), (0, 128))
    assert near(colour(decode(encode(grey))), (127, 127, 127))


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    image = Image.fromarray(np.full((16, 16), 32_768, np.uint16))
    assert colour(decode(encode(image))) == (128, 128, 128)


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_and_black_and_white_become_rgb(mode: str) -> None:
    assert colour(decode(encode(Image.new(mode, (16, 16), 255)))) == (255, 255, 255)


def test_cmyk_becomes_rgb() -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red, green, blue = colour(decode(encode(image, "JPEG", quality=95)))
    assert red > 200
    assert green < 60
    assert blue < 60


def test_a_phones_photograph_with_a_preview_is_its_first_picture() -> None:
    main, preview = Image.new("RGB", (40, 30), RED), Image.new("RGB", (8, 8), BLUE)
    data = encode(main, "MPO", save_all=True, append_images=[preview])
    decoded = decode(data)
    assert decoded.size == (40, 30)
    assert near(colour(decoded), RED)


def refused(data: bytes) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        decode(data)
    return caught.value


NOT_IMAGES = {
    "text": b"this is not an image",
    "SVG": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "TIFF": encode(Image.new("RGB", (16, 16)), "TIFF"),
    "GIF": encode(Image.new("RGB", (16, 16)), "GIF"),
    "BMP": encode(Image.new("RGB", (16, 16)), "BMP"),
}


@pytest.mark.parametrize("data", NOT_IMAGES.values(), ids=NOT_IMAGES)
def test_other_formats_are_refused_by_content(data: bytes) -> None:
    refusal = refused(data)
    assert refusal.code == "unreadable_image"
    assert refusal.reason == "not an image that this service reads: send JPEG, PNG or WebP"


def test_nothing_is_refused() -> None:
    assert refused(b"").reason == "the image is empty"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_file_is_refused(image_format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encode(Image.fromarray(noise), image_format)
    assert refused(data[: len(data) // 2]).code == "unreadable_image"


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_an_animation_is_refused(image_format: str) -> None:
    first, second = Image.new("RGB", (16, 16), RED), Image.new("RGB", (16, 16), BLUE)
    data = encode(first, image_format, save_all=True, append_images=[second])
    assert refused(data).reason == "the image is animated: send a single picture"


@pytest.mark.parametrize("size", [(50_000, 50_000), (13_000, 13_000), (65_500, 65_500)])
def test_a_claim_of_too_many_pixels_is_refused_before_decoding(size: tuple[int, int]) -> None:
    refusal = refused(png_header(*size))
    assert refusal.code == "image_too_large"
    assert f"{size[0]} x {size[1]} pixels" in refusal.reason


def test_a_jpeg_that_claims_65500_pixels_a_side_is_refused() -> None:
    data = bytearray(plain(RED, (64, 48)))
    start = (
        data.index(b"\xff\xc0") + 5
    )  # the frame header: marker, length, precision, height, width
    data[start : start + 4] = struct.pack(">HH", 65_500, 65_500)
    assert refused(bytes(data)).code == "image_too_large"


@pytest.mark.parametrize("size", [(1, 1), (7, 100)])
def test_hardly_any_pixels_are_refused(size: tuple[int, int]) -> None:
    assert refused(plain(RED, size, "PNG")).code == "image_too_small"


def test_a_line_of_pixels_is_refused() -> None:
    refusal = refused(plain(RED, (8 * MAX_ASPECT_RATIO + 8, 8), "PNG"))
    assert refusal.code == "image_too_large"


def test_garbage_behind_a_right_beginning_is_refused_and_never_crashes() -> None:
    generator = np.random.default_rng(1)
    good = {f: plain(RED, (64, 48), f) for f in ("JPEG", "PNG", "WEBP")}
    for data in good.values():
        for _ in range(200):
            broken = bytearray(data)
            for position in generator.integers(12, len(data), 5):
                broken[position] = generator.integers(0, 256)
            try:
                decode(bytes(broken))
            except ImageRefused:
                continue


def test_the_reader_does_not_keep_the_file() -> None:
    buffer = io.BytesIO(plain())
    assert decode(buffer.getvalue()).size == (64, 48)

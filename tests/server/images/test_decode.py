import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from scoring_server.images.decode import MAX_ASPECT_RATIO, decode
from scoring_server.images.errors import ImageRefused
from scoring_server.images.jpeg import count_scans
from tests.server.pictures import BLUE, GREEN, RED, encode, plain, png_chunk, png_header


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
    ("orientation", "corner"),
    [
        (1, (0, 0)),
        (2, (39, 0)),
        (3, (39, 29)),
        (4, (0, 29)),
        (5, (0, 0)),
        (6, (29, 0)),
        (7, (29, 39)),
        (8, (0, 39)),
    ],
)
def test_exif_orientation_turns_the_picture_upright(
    orientation: int, corner: tuple[int, int]
) -> None:
    image = Image.new("RGB", (40, 30), BLUE)
    image.paste(RED, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(encode(image, "JPEG", exif=exif, quality=95))
    assert decoded.size == ((40, 30) if orientation <= 4 else (30, 40))
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
def test_a_truncated_file_is_called_damaged_wherever_it_ends(image_format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encode(Image.fromarray(noise), image_format)
    for length in (12, 20, 40, 100, len(data) // 2, len(data) - 100):
        assert refused(data[:length]).reason == "the image is damaged or incomplete"


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


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_any_depth_are_read(bits: int) -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([*RED, *BLUE])
    assert colour(decode(encode(image, bits=bits))) == BLUE


def png(colour_type: int, pixel: bytes, *chunks: bytes, side: int = 16) -> bytes:
    """A PNG of one 16-bit pixel value."""
    header = struct.pack(">IIBBBBB", side, side, 16, colour_type, 0, 0, 0)
    rows = (b"\x00" + pixel * side) * side
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + b"".join(chunks)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("colour_type", "values", "wanted"),
    [
        (0, (0x8000,), (0x80, 0x80, 0x80)),
        (2, (0xFF00, 0x8000, 0x1000), (0xFF, 0x80, 0x10)),
        (4, (0x4000, 0xFFFF), (0x40, 0x40, 0x40)),
        (4, (0x4000, 0), (255, 255, 255)),
        (6, (0xFF00, 0, 0, 0xFFFF), RED),
        (6, (0xFF00, 0, 0, 0), (255, 255, 255)),
    ],
)
def test_16_bits_a_channel_are_scaled_with_and_without_alpha(
    colour_type: int, values: tuple[int, ...], wanted: tuple[int, int, int]
) -> None:
    pixel = struct.pack(f">{len(values)}H", *values)
    assert near(colour(decode(png(colour_type, pixel))), wanted)


def test_a_16_bit_grey_that_means_transparent_is_white() -> None:
    marked = png_chunk(b"tRNS", struct.pack(">H", 0x1234))
    assert colour(decode(png(0, b"\x12\x34", marked))) == (255, 255, 255)
    assert near(colour(decode(png(0, b"\x40\x00", marked))), (0x40, 0x40, 0x40))


def test_a_tall_transparent_picture_is_whole() -> None:
    rows = np.linspace(0, 255, 1000).astype(np.uint8)
    picture = np.zeros((1000, 20, 4), np.uint8)
    picture[..., 0] = rows[:, None]
    picture[..., 3] = 255
    decoded = np.asarray(decode(encode(Image.fromarray(picture))))
    assert np.array_equal(decoded, picture[..., :3])


def photograph(size: tuple[int, int]) -> bytes:
    """Smooth colours with some noise, as a camera's JPEG has them."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 100 * np.sin(x / width * k + y / height * (9 - k)) for k in (5, 7, 11)]
    noise = np.random.default_rng(0).normal(0, 4, (height, width, 3))
    pixels = (np.stack(waves, axis=2) + noise).clip(0, 255).astype(np.uint8)
    return encode(Image.fromarray(pixels), "JPEG", quality=90)


def test_a_large_jpeg_may_be_drafted_and_stays_the_same_picture() -> None:
    data = photograph((1600, 1200))
    drafted = decode(data, draft_side=3 * 100)
    assert drafted.size == (400, 300)
    wanted = np.asarray(decode(data).resize((100, 100), Image.Resampling.BICUBIC)).astype(int)
    found = np.asarray(drafted.resize((100, 100), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(found - wanted).mean() < 1
    assert np.abs(found - wanted).max() <= 8


@pytest.mark.parametrize(("side", "size"), [(301, (800, 600)), (601, (1600, 1200)), (9999, None)])
def test_a_draft_keeps_at_least_the_side_that_was_asked_for(
    side: int, size: tuple[int, int] | None
) -> None:
    decoded = decode(plain(RED, (1600, 1200)), draft_side=side)
    assert decoded.size == (size or (1600, 1200))


def test_only_jpegs_are_drafted_and_their_orientation_is_kept() -> None:
    assert decode(plain(RED, (800, 600), "PNG"), draft_side=64).size == (800, 600)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encode(Image.new("RGB", (800, 600), BLUE), "JPEG", exif=exif)
    assert decode(turned, draft_side=150).size == (150, 200)


def test_what_hides_behind_a_picture_is_never_looked_at() -> None:
    polyglot = plain(GREEN) + b"PK\x03\x04 an archive <script>alert(1)</script>"
    assert near(colour(decode(polyglot)), GREEN)


@pytest.mark.parametrize("head", [b"%PDF-1.7\n", b"GIF89a", b"<svg>", b"MZ", b"\n"])
def test_a_picture_that_hides_behind_something_else_is_refused(head: bytes) -> None:
    assert refused(head + plain(GREEN)).code == "unreadable_image"


def test_text_that_unpacks_to_a_hundred_megabytes_is_refused() -> None:
    bomb = png_chunk(b"zTXt", b"x\x00\x00" + zlib.compress(bytes(100_000_000)))
    data = plain(RED, (64, 48), "PNG")
    refusal = refused(data[:33] + bomb + data[33:])  # behind the signature and IHDR
    assert refusal.reason == "the image is damaged or incomplete"


def progressive(side: int = 64) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return encode(Image.fromarray(noise), "JPEG", progressive=True)


def test_scans_are_counted_by_structure_and_not_by_bytes() -> None:
    assert count_scans(progressive()) == 10
    assert count_scans(plain()) == 1
    preview = encode(Image.new("RGB", (64, 48)), "JPEG", exif=b"Exif\x00\x00\xff\xda\xff\xda")
    assert count_scans(preview + b"\xff\xda" * 200) == 1
    for length in range(0, len(progressive()), 7):
        assert count_scans(progressive()[:length]) <= 10


def test_a_jpeg_of_very_many_scans_is_refused_before_decoding() -> None:
    data = progressive()
    start = data.rindex(b"\xff\xda")
    scan = data[start:-2]
    many = data[:start] + scan * 2000 + data[-2:]
    started = time.thread_time()  # others' work on the machine is not counted
    refusal = refused(many)
    assert refusal.reason == "the image comes in more than 100 scans: save it as a usual JPEG"
    assert time.thread_time() - started < 1


def test_a_usual_progressive_jpeg_is_read() -> None:
    assert decode(progressive()).size == (64, 64)

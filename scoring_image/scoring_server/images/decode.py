"""Bytes to an RGB image: JPEG, PNG and WebP by content, bounded before anything is decoded."""

import io
import math
import re
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from scoring_server.images.errors import ImageRefused
from scoring_server.images.jpeg import count_scans

FORMATS: Final = ("JPEG", "PNG", "WEBP")
# 32 megapixels take 96 MB as RGB; a few of them at once must fit beside the model.
MAX_PIXELS: Final = 32_000_000
MIN_SIDE: Final = 8
# Beyond this, resizing the short side makes the long side a bomb of its own.
MAX_ASPECT_RATIO: Final = 64
# Encoders write about 10 scans for a progressive JPEG.
MAX_SCANS: Final = 100

# Conversions go by bands of so many rows: a few copies of a whole picture of 32 megapixels, in 4 or
# 8 bytes a pixel, would take as much memory as the model.
_BAND_ROWS: Final = 64

# Pillow knows no cut or damaged head for what it is: a person who sent half a photograph is not to
# be told to send one.
_BEGINNING: Final = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP", re.DOTALL)
_END_OF_JPEG: Final = b"\xff\xd9"
_ORIENTATION_TAG: Final = 0x0112
# EXIF 2.32, section 4.6.4: how the stored image is to be turned to be upright.
_ORIENTATIONS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# These formats can hold films; a JPEG with several pictures (MPO, common on phones) is a photograph
# with a preview, whose first picture is the one that is meant.
_ANIMATED_FORMATS: Final = frozenset({"PNG", "WEBP"})

# The size is checked here, against a lower limit, before anything is decoded; Pillow's own guard
# only warns at first.
Image.MAX_IMAGE_PIXELS = None


def decode(data: bytes, *, draft_side: int | None = None) -> Image.Image:
    """Decode one image: open_image and load_image in one.

    Raises:
        ImageRefused: empty, of another format, damaged, animated, too large, small or narrow.
    """
    return load_image(open_image(data), draft_side=draft_side)


def open_image(data: bytes) -> Image.Image:
    """Read what an image says about itself, which is cheap, and refuse what must not be decoded.

    Args:
        data: the content of a JPEG, PNG or WebP file, whatever it is called.

    Raises:
        ImageRefused: empty, of another format, damaged, animated, too large, small or narrow.
    """
    if not data:
        raise ImageRefused("unreadable_image", "the image is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        if _BEGINNING.match(data):
            raise damaged() from None
        raise ImageRefused(
            "unreadable_image", "not an image that this service reads: send JPEG, PNG or WebP"
        ) from None
    except Exception as error:
        raise _damaged(error) from None
    _check_size(image)
    if image.format in _ANIMATED_FORMATS and getattr(image, "is_animated", False):
        raise ImageRefused("unreadable_image", "the image is animated: send a single picture")
    _check_scans(image, data)
    return image


def load_image(image: Image.Image, *, draft_side: int | None = None) -> Image.Image:
    """Decode an image that was opened.

    Args:
        image: from open_image.
        draft_side: a JPEG may be decoded at a half, a quarter or an eighth of its size, as long as
            its short side keeps so many pixels; None: at its full size.

    Returns:
        The upright picture in RGB, 8 bits a channel. What is transparent is white; 16-bit grey is
        scaled to 8 bits.

    Raises:
        ImageRefused: damaged.
    """
    try:
        if draft_side is not None:
            _draft(image, draft_side)
        image.load()
        return _to_rgb(_upright(image))
    except Exception as error:
        raise _damaged(error) from None


def is_plain_jpeg(image: Image.Image, data: bytes) -> bool:
    """Whether any JPEG decoder gives the same picture: upright, in RGB or grey, baseline, whole.

    Args:
        image: from open_image.
        data: the file.
    """
    return (
        image.format == "JPEG"
        and image.mode in {"RGB", "L"}
        and not image.info.get("progressive")
        and data.endswith(_END_OF_JPEG)
        and _orientation(image) in {None, 1}
    )


def _damaged(error: Exception) -> Exception:
    """Decoders raise anything on a damaged file (OSError, SyntaxError, struct.error, …)."""
    if isinstance(error, MemoryError):
        return error
    return damaged()


def damaged() -> ImageRefused:
    """The refusal of what a decoder cannot read."""
    return ImageRefused("unreadable_image", "the image is damaged or incomplete")


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageRefused(
            "image_too_large",
            f"the image has {width} x {height} pixels, more than {MAX_PIXELS // 1_000_000} "
            "million: send a smaller one",
        )
    if min(width, height) < MIN_SIDE:
        raise ImageRefused(
            "image_too_small",
            f"the image has {width} x {height} pixels: each side needs {MIN_SIDE} at least",
        )
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise ImageRefused(
            "image_too_large",
            f"the image has {width} x {height} pixels: one side is more than {MAX_ASPECT_RATIO} "
            "times the other",
        )


def _check_scans(image: Image.Image, data: bytes) -> None:
    if image.info.get("progressive") and count_scans(data) > MAX_SCANS:
        raise ImageRefused(
            "image_too_large",
            f"the image comes in more than {MAX_SCANS} scans: save it as a usual JPEG",
        )


def _draft(image: Image.Image, side: int) -> None:
    """Let the JPEG decoder scale while it decodes; other formats know no such thing."""
    share = side / min(image.size)
    if share < 1:
        width, height = image.size
        image.draft(None, (math.ceil(share * width), math.ceil(share * height)))


def _upright(image: Image.Image) -> Image.Image:
    orientation = _orientation(image)
    method = _ORIENTATIONS.get(orientation) if isinstance(orientation, int) else None
    return image if method is None else image.transpose(method)


def _orientation(image: Image.Image) -> object:
    """What EXIF says of it; None where that is nothing or broken."""
    try:
        return image.getexif().get(_ORIENTATION_TAG)
    except Exception:
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I"):
        convert = _from_16_bit_grey
    elif image.has_transparency_data:
        convert = _onto_white
    else:
        return image.convert("RGB")
    width, height = image.size
    rgb = Image.new("RGB", image.size)
    for top in range(0, height, _BAND_ROWS):
        band = (0, top, width, min(top + _BAND_ROWS, height))
        rgb.paste(convert(image.crop(band)), band)
    return rgb


def _from_16_bit_grey(image: Image.Image) -> Image.Image:
    """Scaled to 8 bits; Pillow's own conversion would clip it at 255."""
    grey = np.asarray(image).astype(np.int32).clip(0, 65_535)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[grey == transparent] = 65_535
    return Image.fromarray((grey >> 8).astype(np.uint8))


def _onto_white(image: Image.Image) -> Image.Image:
    canvas = Image.new("RGBA", image.size, "white")
    canvas.alpha_composite(image.convert("RGBA"))
    return canvas

"""Pictures for tests, made by Pillow."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def encode(image: Image.Image, image_format: str = "PNG", **options: Any) -> bytes:
    """An image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def plain(
    colour: tuple[int, int, int] = RED,
    size: tuple[int, int] = (64, 48),
    image_format: str = "JPEG",
) -> bytes:
    """A picture in one colour."""
    return encode(Image.new("RGB", size, colour), image_format)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG file, with its length and checksum."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b""))
        + png_chunk(b"IEND", b"")
    )

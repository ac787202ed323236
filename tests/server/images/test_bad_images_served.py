"""Hostile images over HTTP: refused at once with a reason that helps, in flat memory."""

import base64
import io
import struct
import time
import zlib
from collections.abc import Iterator

import orjson
import pytest
from PIL import Image

from tests.server.colour_model import write_colour_model
from tests.server.memory import forget_peak, peak
from tests.server.pictures import BLUE, GREEN, RED, encode, plain, png_chunk, png_header
from tests.server.runtime.conftest import image_variables
from tests.server.server_process import ServerProcess

# A refusal takes milliseconds, of CPU time; the machine may be busy with other tests.
AT_ONCE_SECONDS = 3.0
PATIENCE_SECONDS = 25.0
# The largest body is 10 MB, and its base64 and its parts are copies of it.
FLAT_MEGABYTES = 64

JSON = "application/json"
FORM = "multipart/form-data; boundary=b"


def form(*files: tuple[str, bytes]) -> bytes:
    parts = [
        b'--b\r\nContent-Disposition: form-data; name="x"; filename="%b"\r\n\r\n%b\r\n'
        % (name.encode(), data)
        for name, data in files
    ]
    return b"".join(parts) + b"--b--\r\n"


def animated(image_format: str) -> bytes:
    first, second = Image.new("RGB", (16, 16), RED), Image.new("RGB", (16, 16), BLUE)
    return encode(first, image_format, save_all=True, append_images=[second])


def zeros(count: int) -> bytes:
    """So many zeros, compressed: a thousandth of them."""
    compressor = zlib.compressobj(9)
    parts = [compressor.compress(bytes(1_000_000)) for _ in range(count // 1_000_000)]
    return b"".join([*parts, compressor.compress(bytes(count % 1_000_000)), compressor.flush()])


def png(width: int, height: int, bits: int, pixels: bytes, *chunks: bytes) -> bytes:
    """A grey PNG of compressed rows."""
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    parts = (png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", pixels))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + png_chunk(b"IEND", b"")


def huge_jpeg() -> bytes:
    """A JPEG whose header claims 50,000 x 50,000 pixels."""
    data = bytearray(plain())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 50_000, 50_000)
    return bytes(data)


GOOD = plain(GREEN)
TEXT = base64.b64encode(GOOD).decode()
NO_IMAGE = "not an image that this service reads: send JPEG, PNG or WebP"
DAMAGED = "the image is damaged or incomplete"

CASES: dict[str, tuple[bytes, str, int, str]] = {
    "zero bytes": (b"", "image/jpeg", 422, "the image is empty"),
    "a truncated JPEG": (plain()[:-200], "image/jpeg", 422, DAMAGED),
    "a truncated PNG": (plain(image_format="PNG")[:-30], "image/png", 422, DAMAGED),
    "a truncated WebP": (plain(image_format="WEBP")[:-10], "image/webp", 422, DAMAGED),
    "the first bytes of a JPEG": (plain()[:20], "image/jpeg", 422, DAMAGED),
    "1 x 1": (plain(RED, (1, 1), "PNG"), "image/png", 422, "each side needs 8 at least"),
    "50,000 x 50,000": (png_header(50_000, 50_000), "image/png", 422, "send a smaller one"),
    "50,000 x 50,000 for real, in 313 kB": (
        png(50_000, 50_000, 1, zeros(50_000 * 6_251)),
        "image/png",
        422,
        "send a smaller one",
    ),
    "a JPEG of 50,000 x 50,000": (huge_jpeg(), "image/jpeg", 422, "send a smaller one"),
    "a picture with a text of 200 MB": (
        png(16, 16, 8, zeros(16 * 17), png_chunk(b"zTXt", b"Comment\0\0" + zeros(200_000_000))),
        "image/png",
        422,
        DAMAGED,
    ),
    "an animated PNG": (animated("PNG"), "image/png", 422, "the image is animated"),
    "an animated WebP": (animated("WEBP"), "image/webp", 422, "the image is animated"),
    "an animated GIF": (animated("GIF"), "image/png", 422, NO_IMAGE),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/png", 422, NO_IMAGE),
    "PDF": (b"%PDF-1.7\n1 0 obj\n", "image/png", 422, NO_IMAGE),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "image/png", 422, NO_IMAGE),
    "TIFF": (encode(Image.new("RGB", (16, 16)), "TIFF"), "image/jpeg", 422, NO_IMAGE),
    "a page renamed to JPEG": (b"<html>" + GOOD, "image/jpeg", 422, NO_IMAGE),
    "a document with a picture in it": (b"%PDF-1.7\n" + GOOD, "image/jpeg", 422, NO_IMAGE),
    "10 MB of zeros": (bytes(10_000_000), "image/jpeg", 422, NO_IMAGE),
    "a JSON name that is empty": (
        orjson.dumps({"input": {"": TEXT}}),
        JSON,
        400,
        "1 to 256 characters",
    ),
    "a JSON name of 1 MB": (
        orjson.dumps({"input": {"n" * 1_000_000: TEXT}}),
        JSON,
        400,
        "1 to 256 characters",
    ),
    "a file without any name": (
        form(("", GOOD)).replace(b'name="x"', b'name=""'),
        FORM,
        400,
        "1 to 256 characters",
    ),
    "a file name of 1 MB": (form(("n" * 1_000_000, GOOD)), FORM, 400, "1 to 256 characters"),
    "1,000 images in JSON": (
        orjson.dumps({"input": {str(i): TEXT for i in range(1000)}}),
        JSON,
        413,
        "more than 32 images",
    ),
    "1,000 images in a form": (
        form(*[(str(i), GOOD) for i in range(1000)]),
        FORM,
        413,
        "more than 32 images",
    ),
    "10,000 images in a form": (
        form(*[(str(i), b"x") for i in range(10_000)]),
        FORM,
        413,
        "too many parts",
    ),
    "a good image beside a bad one": (
        form(("good", GOOD), ("bad", b"none")),
        FORM,
        422,
        f"'bad': {NO_IMAGE}",
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    with ServerProcess(folder, **image_variables(write_colour_model(folder / "model"))) as server:
        server.wait_until_ready()
        for _ in range(5):  # what is made once, is made now
            assert server.post(GOOD, "image/jpeg")[0] == 200
        yield server


@pytest.mark.parametrize(("body", "content_type", "status", "reason"), CASES.values(), ids=CASES)
def test_it_is_refused_at_once_in_flat_memory(
    server: ServerProcess, body: bytes, content_type: str, status: int, reason: str
) -> None:
    (worker,) = server.workers()
    forget_peak(worker)
    before = peak(worker)
    started, worked = time.monotonic(), server.cpu_seconds()
    found, answer = server.post(body, content_type)
    assert server.cpu_seconds() - worked < AT_ONCE_SECONDS
    assert time.monotonic() - started < PATIENCE_SECONDS
    assert peak(worker) - before < FLAT_MEGABYTES
    assert found == status
    assert reason in answer["error"]["message"]
    assert len(answer["error"]["message"]) < 400
    assert server.post(GOOD, "image/jpeg")[0] == 200


@pytest.mark.parametrize(
    "behind",
    [b"<script>alert(1)</script>", b"PK\x03\x04" + bytes(1000), b"%PDF-1.7\n"],
    ids=["a page", "an archive", "a document"],
)
def test_what_else_a_picture_would_be_for_others_is_never_looked_at(
    server: ServerProcess, behind: bytes
) -> None:
    status, answer = server.post(GOOD + behind, "image/jpeg")
    assert status == 200
    assert answer["result"][0]["image"][0][0] == "n00000002 green"


def test_a_process_that_computes_for_others_never_sees_them(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("shared")
    shared = {"SCORING_INFERENCE": "process", "SCORING_WORKERS": "1"}
    variables = {**image_variables(write_colour_model(folder / "model")), **shared}
    with ServerProcess(folder, **variables) as server:
        server.wait_until_ready()
        assert server.post(GOOD, "image/jpeg")[0] == 200
        owner = server.inference_process()
        forget_peak(owner)
        before = peak(owner)
        for body, content_type, status, reason in CASES.values():
            found, answer = server.post(body, content_type)
            assert (found, reason in answer["error"]["message"]) == (status, True)
        assert peak(owner) - before < 8
        assert server.inference_process() == owner
        assert server.post(GOOD, "image/jpeg")[0] == 200


def test_memory_does_not_grow_with_the_number_of_bad_images(server: ServerProcess) -> None:
    (worker,) = server.workers()

    def all_of_them() -> None:
        for body, content_type, _, _ in CASES.values():
            server.post(body, content_type)

    all_of_them()
    forget_peak(worker)
    before = peak(worker)
    for _ in range(5):
        all_of_them()
    assert peak(worker) - before < FLAT_MEGABYTES


def test_a_phones_largest_transparent_picture_takes_little_more_than_its_pixels(
    server: ServerProcess,
) -> None:
    """32 megapixels are 128 MB with transparency and 96 MB without."""
    (worker,) = server.workers()
    picture = io.BytesIO()
    Image.new("RGBA", (8000, 4000), (0, 0, 255, 128)).save(picture, "PNG", compress_level=1)
    forget_peak(worker)
    before = peak(worker)
    status, answer = server.post(picture.getvalue(), "image/png")
    assert status == 200
    assert answer["result"][0]["image"][0][0] == "n00000003 blue"
    assert peak(worker) - before < 300

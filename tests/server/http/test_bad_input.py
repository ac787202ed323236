"""The table of bad input to an image service: each case, its status, code and message."""

import base64
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.server.http.conftest import MAX_BODY_BYTES
from tests.server.pictures import encode, plain, png_header

JSON = "application/json"
GOOD = base64.b64encode(plain()).decode()
NOT_BASE64 = "'x' is not valid base64: send standard base64"
UNSUPPORTED = (
    "this service reads application/json, image/jpeg, image/png, image/webp, multipart/form-data: "
    "set the header Content-Type"
)

CASES: dict[str, tuple[bytes | str, str, int, str, str]] = {
    "JSON that is none": (
        "{",
        JSON,
        400,
        "malformed_json",
        "the body is not valid JSON (line 1, column 2)",
    ),
    "an empty body": (
        "",
        JSON,
        400,
        "malformed_json",
        "the body is not valid JSON (line 1, column 1)",
    ),
    "NaN": (
        '{"input": NaN}',
        JSON,
        400,
        "malformed_json",
        "the body is not valid JSON (line 1, column 11)",
    ),
    "not UTF-8": (
        b'{"input": "\xff"}',
        JSON,
        400,
        "malformed_json",
        "the body is not valid UTF-8 (line 1, column 12)",
    ),
    "not UTF-8 on a later line": (
        '{"input":\n "größe'.encode() + b'\xc3"}',
        JSON,
        400,
        "malformed_json",
        "the body is not valid UTF-8 (line 2, column 8)",
    ),
    "a field twice": (
        '{"input": {"x": ""}, "input": {"x": ""}}',
        JSON,
        400,
        "invalid_input",
        "the name 'input' is there twice in one object",
    ),
    "a name twice": (
        f'{{"input": {{"x": "{GOOD}", "\\u0078": "{GOOD}"}}}}',
        JSON,
        400,
        "invalid_input",
        "the name 'x' is there twice in one object",
    ),
    "a lone surrogate": (
        '{"input": "\\ud800"}',
        JSON,
        400,
        "malformed_json",
        "the body is not valid JSON (line 1, column 12)",
    ),
    "deep nesting": (
        '{"input": ' + "[" * 2000 + "]" * 2000 + "}",
        JSON,
        400,
        "malformed_json",
        "the body is not valid JSON (line 1, column 1035)",
    ),
    "more values than any request has": (
        '{"input": [' + '"",' * 30_000 + '""]}',
        JSON,
        413,
        "too_many_items",
        "the body holds more than 10000 values",
    ),
    "values that do not end": (
        "[" * 70_000,
        JSON,
        413,
        "too_many_items",
        "the body holds more than 10000 values",
    ),
    "signs of values within a text that does not end": (
        '{"input": "' + "[,{\\\\" * 14_000,
        JSON,
        400,
        "malformed_json",
        "the body is not valid JSON (line 1, column 70012)",
    ),
    "a list": (
        "[]",
        JSON,
        400,
        "invalid_input",
        'the body must be a JSON object such as {"input": …}',
    ),
    "a question": (
        '{"input": "why?"}',
        JSON,
        400,
        "invalid_input",
        '"input" must be an object: {"<name>": "<base64 of the image>"}',
    ),
    "no images": (
        '{"input": {}}',
        JSON,
        400,
        "invalid_input",
        '"input" must be an object: {"<name>": "<base64 of the image>"}',
    ),
    "top": (
        '{"input": {"x": ""}, "top": 3}',
        JSON,
        400,
        "invalid_input",
        "unknown field 'top'; known are input",
    ),
    "an image without a name": (
        f'{{"input": {{"": "{GOOD}"}}}}',
        JSON,
        400,
        "invalid_input",
        "an image's name must have 1 to 256 characters",
    ),
    "a long name": (
        f'{{"input": {{"{"n" * 257}": "{GOOD}"}}}}',
        JSON,
        400,
        "invalid_input",
        "an image's name must have 1 to 256 characters",
    ),
    "a number for an image": (
        '{"input": {"x": 1}}',
        JSON,
        400,
        "invalid_input",
        "'x' must be a text: the base64 of an image",
    ),
    "base64 that is none": ('{"input": {"x": "@@@@"}}', JSON, 400, "invalid_base64", NOT_BASE64),
    "base64 with a line break": (
        f'{{"input": {{"x": "{GOOD[:8]}\\n{GOOD[8:]}"}}}}',
        JSON,
        400,
        "invalid_base64",
        NOT_BASE64,
    ),
    "base64 cut short": (
        f'{{"input": {{"x": "{GOOD[:9]}"}}}}',
        JSON,
        400,
        "invalid_base64",
        NOT_BASE64,
    ),
    "URL-safe base64": ('{"input": {"x": "__--"}}', JSON, 400, "invalid_base64", NOT_BASE64),
    "letters beyond ASCII": ('{"input": {"x": "äöü="}}', JSON, 400, "invalid_base64", NOT_BASE64),
    "half a wrapper": (
        f'{{"input": {{"x": "b\'{GOOD}"}}}}',
        JSON,
        400,
        "invalid_base64",
        NOT_BASE64,
    ),
    "a data URL": (
        f'{{"input": {{"x": "data:image/jpeg;base64,{GOOD}"}}}}',
        JSON,
        400,
        "invalid_base64",
        "'x' is not valid base64: send standard base64 without the data: prefix",
    ),
    "base64 of nothing": (
        '{"input": {"x": ""}}',
        JSON,
        422,
        "unreadable_image",
        "'x': the image is empty",
    ),
    "an image that is none": (
        f'{{"input": {{"x": "{base64.b64encode(b"none").decode()}"}}}}',
        JSON,
        422,
        "unreadable_image",
        "'x': not an image that this service reads: send JPEG, PNG or WebP",
    ),
    "a raw image that is none": (
        b"none",
        "image/jpeg",
        422,
        "unreadable_image",
        "'image': not an image that this service reads: send JPEG, PNG or WebP",
    ),
    "a raw image of nothing": (
        b"",
        "image/png",
        422,
        "unreadable_image",
        "'image': the image is empty",
    ),
    "a truncated image": (
        plain()[:-100],
        "image/jpeg",
        422,
        "unreadable_image",
        "'image': the image is damaged or incomplete",
    ),
    "1 x 1": (
        plain(size=(1, 1), image_format="PNG"),
        "image/png",
        422,
        "image_too_small",
        "'image': the image has 1 x 1 pixels: each side needs 8 at least",
    ),
    "50,000 x 50,000": (
        png_header(50_000, 50_000),
        "image/png",
        422,
        "image_too_large",
        "'image': the image has 50000 x 50000 pixels, more than 32 million: send a smaller one",
    ),
    "too large": (
        b"x" * (MAX_BODY_BYTES + 1),
        "image/jpeg",
        413,
        "body_too_large",
        "the body has more than 100000 bytes",
    ),
    "no content type": (
        b"x",
        "",
        415,
        "unsupported_media_type",
        UNSUPPORTED,
    ),
    "another content type": (
        b"x",
        "application/x-www-form-urlencoded",
        415,
        "unsupported_media_type",
        UNSUPPORTED,
    ),
    "a form without a boundary": (
        b"x",
        "multipart/form-data",
        400,
        "malformed_form",
        "the body is not a valid multipart form",
    ),
    "a form that breaks off": (
        b'--b\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\nhalf',
        "multipart/form-data; boundary=b",
        400,
        "malformed_form",
        "the body is not a valid multipart form",
    ),
    "a form without files": (
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ntext\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
        400,
        "invalid_input",
        "the form holds no file: send each image as a file part",
    ),
}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code", "message"), CASES.values(), ids=CASES
)
def test_bad_input_gets_a_clear_error(
    images: FlaskClient, body: bytes | str, content_type: str, status: int, code: str, message: str
) -> None:
    answer = images.post("/score", data=body, content_type=content_type)
    assert answer.get_json() == {"error": {"code": code, "message": message}}
    assert answer.status_code == status


def test_more_images_than_allowed_are_refused_before_any_is_decoded(images: FlaskClient) -> None:
    answer = images.post("/score", json={"input": {str(i): "@" for i in range(33)}})
    assert answer.status_code == 413
    assert answer.get_json()["error"] == {
        "code": "too_many_items",
        "message": "more than 32 images in one request",
    }


def test_two_images_of_one_name_are_refused(images: FlaskClient) -> None:
    form: dict[str, Any] = {"x": [(io.BytesIO(plain()), "a.jpg"), (io.BytesIO(plain()), "a.jpg")]}
    answer = images.post("/score", data=form, content_type="multipart/form-data")
    assert answer.get_json()["error"]["message"] == "there are two images called 'a.jpg'"


def test_a_form_with_too_many_parts_is_refused(images: FlaskClient) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    answer = images.post(
        "/score", data=part * 1001 + b"--b--\r\n", content_type="multipart/form-data; boundary=b"
    )
    assert answer.status_code == 413
    assert answer.get_json()["error"]["code"] == "too_many_items"


def test_a_compressed_body_is_refused(images: FlaskClient) -> None:
    answer = images.post(
        "/score", data=b"x", content_type=JSON, headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert answer.get_json()["error"]["message"] == "compressed bodies are not read"


def test_a_renamed_png_is_read_by_its_content(images: FlaskClient) -> None:
    picture = plain(image_format="PNG")
    assert images.post("/score", data=picture, content_type="image/jpeg").status_code == 200


def test_another_format_under_a_known_content_type_is_refused(images: FlaskClient) -> None:
    tiff = encode(Image.new("RGB", (16, 16)), "TIFF")
    answer = images.post("/score", data=tiff, content_type="image/png")
    assert answer.status_code == 422

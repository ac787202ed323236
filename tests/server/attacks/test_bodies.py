"""Malformed bodies: refused with 4xx, by a server that stays as it was."""

import json

from tests.reliability.figures import record
from tests.server.attacks.bodies import BASE64S, CONTENT_TYPES, FORMS, JSON, JSONS
from tests.server.attacks.target import Target

# Of the allocator; a leak of a body each would be a hundred.
FLAT_MEGABYTES = 32.0
# A header that may carry more is not refused where the body is right.
GOOD = b'{"input": "how do i copy an object"}'


def test_json_is_refused(faq: Target, images: Target) -> None:
    for target, paths in (
        (faq, ("/score", "/v2/models/faq-matching/infer")),
        (images, ("/score", "/v2/models/image-classification/infer")),
    ):
        for path in paths:
            refuses_all(target, path, {name: (JSON, body) for name, body in JSONS.items()})
    record("S4", "JSON", f"{4 * len(JSONS)} of {4 * len(JSONS)} answered 4xx")


def test_base64_is_refused(images: Target) -> None:
    asked = {
        name: (JSON, json.dumps({"input": {"x": text}}).encode()) for name, text in BASE64S.items()
    }
    refuses_all(images, "/score", asked)
    tensor = {"name": "images", "datatype": "BYTES", "shape": [1]}
    inputs = {
        name: (JSON, json.dumps({"inputs": [tensor | {"data": [text]}]}).encode())
        for name, text in BASE64S.items()
    }
    refuses_all(images, "/v2/models/image-classification/infer", inputs)
    record("S4", "base64", f"{2 * len(BASE64S)} of {2 * len(BASE64S)} answered 4xx")


def test_forms_are_refused(images: Target) -> None:
    refuses_all(images, "/score", FORMS)
    record("S4", "multipart forms", f"{len(FORMS)} of {len(FORMS)} answered 4xx")


def test_content_types_are_refused_or_change_nothing(faq: Target, images: Target) -> None:
    for content_type in CONTENT_TYPES:
        status, answer = faq.ask("/score", GOOD, {"Content-Type": content_type})
        assert status in {200, 400, 415, 431}, (content_type, answer)
        status, answer = images.ask("/score", GOOD, {"Content-Type": content_type})
        assert status in {400, 415, 431}, (content_type, answer)


def refuses_all(target: Target, path: str, bodies: dict[str, tuple[str, bytes]]) -> None:
    before = target.resident()
    for name, (content_type, body) in bodies.items():
        status, answer = target.ask(path, body, {"Content-Type": content_type})
        assert 400 <= status < 500, (path, name, status, answer)
        assert "error" in answer, (path, name)
    assert target.resident() - before < FLAT_MEGABYTES

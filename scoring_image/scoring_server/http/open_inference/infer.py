"""POST /v2/models/<name>/infer: the same keys, limits and deadlines as POST /score."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson
from werkzeug.http import parse_options_header

from scoring_server.http.answers import JSON, Answer
from scoring_server.http.errors import ApiError, message_body
from scoring_server.http.open_inference.request import InferRequest, parse_request
from scoring_server.http.parsing import invalid_input
from scoring_server.http.service import ModelInfo, Scorer, ScoreRequest
from scoring_server.http.tensors import Tensor

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

VERSION: Final = "1"
_ROOT: Final = "/v2/models/"
_SUFFIX: Final = "/infer"
_VERSIONS: Final = "/versions/"
_BINARY: Final = "application/octet-stream"
_HEAD_BYTES: Final = "Inference-Header-Content-Length"
_PATH: Final = "path"


def is_infer_path(path: str) -> bool:
    """Whether the path is that of an inference of some model."""
    return path.startswith(_ROOT) and path.endswith(_SUFFIX)


def check_model(model: ModelInfo, name: str, version: str | None) -> None:
    """Refuse another model than the one that is served.

    It is known by its own name, and by its type, which stays when the model is replaced.

    Raises:
        ApiError: 404.
    """
    if name not in {model.name, model.type} or version not in {None, VERSION}:
        raise ApiError(
            404,
            "not_found",
            f"there is no such model: this service has {model.name!r}, also called {model.type!r}, "
            f"version {VERSION}",
        )


class InferWire:
    """Inference requests and their answers."""

    route = "/v2/models/<name>/infer"
    error_body = staticmethod(message_body)

    def accept(self, environ: "WSGIEnvironment", _scorer: Scorer) -> tuple[str, Mapping[str, str]]:
        """Media type, and what the body's reader needs of path and headers.

        The protocol's clients often send no media type.
        """
        mimetype = parse_options_header(environ.get("CONTENT_TYPE", ""))[0].lower()
        if mimetype not in {"", JSON, _BINARY}:
            raise ApiError(
                415, "unsupported_media_type", f"inference requests are {JSON} or {_BINARY}"
            )
        parameters = {_PATH: environ["PATH_INFO"]}
        head_bytes = environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH")
        if head_bytes is not None:
            parameters[_HEAD_BYTES] = head_bytes
        return mimetype, parameters

    async def answer(self, scorer: Scorer, request: ScoreRequest) -> Answer:
        """Run the model.

        Raises:
            ApiError, Overloaded, DeadlineExceeded: see Scorer.
        """
        path = request.parameters[_PATH]
        name, _, version = path[path.index(_ROOT) + len(_ROOT) : -len(_SUFFIX)].partition(_VERSIONS)
        check_model(scorer.model, name, version or None)
        head_bytes = _head_bytes(request.parameters.get(_HEAD_BYTES))
        asked = parse_request(request.body, head_bytes, scorer.signature)
        tensors = await scorer.infer(asked.items, asked.parameters, request.deadline)
        return _answer(scorer.model, asked, tensors)


def _head_bytes(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(2**63))):
        raise invalid_input(f"{_HEAD_BYTES} must be a whole number")
    return int(text)


def _answer(model: ModelInfo, asked: InferRequest, tensors: Sequence[Tensor]) -> Answer:
    outputs: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for tensor in tensors:
        binary = asked.outputs.get(tensor.spec.name)
        if binary is None:
            continue
        output: dict[str, Any] = {
            "name": tensor.spec.name,
            "datatype": tensor.spec.datatype,
            "shape": tensor.shape,
        }
        if binary:
            parts.append(tensor.binary())
            output["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            output["data"] = tensor.values
        outputs.append(output)
    document: dict[str, Any] = {"model_name": model.name, "model_version": VERSION}
    if asked.id is not None:
        document["id"] = asked.id
    head = orjson.dumps(document | {"outputs": outputs})
    if not parts:
        return Answer(200, head)
    headers = ((_HEAD_BYTES, str(len(head))),)
    return Answer(200, b"".join([head, *parts]), headers, _BINARY)

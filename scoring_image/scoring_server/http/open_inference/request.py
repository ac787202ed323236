"""An inference request: what is asked of the model, out of JSON and binary data behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from scoring_server.http.errors import ApiError
from scoring_server.http.parsing import check_names_differ, invalid_input, parse_json
from scoring_server.http.tensors import BYTES, Item, Signature, TensorSpec, elements

_BINARY_SIZE: Final = "binary_data_size"
_BINARY: Final = "binary_data"
_ALL_BINARY: Final = "binary_data_output"


@dataclass(frozen=True)
class InferRequest:
    """A request that fits the model.

    Attributes:
        id: to be given back; None without.
        items: the elements of the input.
        parameters: of the request.
        outputs: names of the outputs that are wanted, each with whether it is wanted in binary.
    """

    id: str | None
    items: list[Item]
    parameters: Mapping[str, Any]
    outputs: Mapping[str, bool]


def parse_request(body: bytes, head_bytes: int | None, signature: Signature) -> InferRequest:
    """Read a request.

    Fields that the protocol does not know are ignored, as it asks of servers of later versions'
    clients; a name that is there twice in one object is not.

    Args:
        body: JSON, and the binary data of the input behind it.
        head_bytes: length of the JSON; None: the whole body.
        signature: of the model.

    Raises:
        ApiError: 400; 413 with too many items.
    """
    if head_bytes is not None and head_bytes > len(body):
        raise invalid_input("Inference-Header-Content-Length is more than the body has")
    head, binary = (body, b"") if head_bytes is None else (body[:head_bytes], body[head_bytes:])
    document = parse_json(head)
    check_names_differ(head)
    if not isinstance(document, dict):
        raise invalid_input("the body must be a JSON object")
    identity = document.get("id")
    if identity is not None and not isinstance(identity, str):
        raise invalid_input('"id" must be a text')
    parameters = _parameters(document)
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise invalid_input(f'"inputs" must hold one tensor, {signature.input.name!r}')
    items = _items(inputs[0], binary, signature.input, signature.max_items)
    binary_by_default = parameters.get(_ALL_BINARY) is True
    outputs = _outputs(document.get("outputs"), signature.outputs, binary_by_default)
    return InferRequest(identity, items, parameters, outputs)


def _items(tensor: Mapping[str, Any], binary: bytes, wanted: TensorSpec, most: int) -> list[Item]:
    if tensor.get("name") != wanted.name:
        raise invalid_input(f"the input must be called {wanted.name!r}")
    if tensor.get("datatype") != BYTES:
        raise invalid_input(f"{wanted.name!r} must have the datatype BYTES")
    count = _count(tensor.get("shape"), wanted.name)
    if count > most:
        raise ApiError(413, "too_many_items", f"{wanted.name!r} has {count} elements: send {most}")
    size = _parameters(tensor).get(_BINARY_SIZE)
    items: list[Item]
    if size is None:
        if binary:
            raise invalid_input("there is data behind the JSON that belongs to no tensor")
        items = _flat(tensor.get("data"), wanted.name)
    else:
        if "data" in tensor or isinstance(size, bool) or size != len(binary):
            raise invalid_input(
                f'"{_BINARY_SIZE}" of {wanted.name!r} must be the length of the data behind the '
                'JSON, and there must be no "data"'
            )
        items = list(elements(binary, wanted.name, most + 1))
    if len(items) != count:
        raise invalid_input(f"{wanted.name!r} has other than {count} elements, as its shape says")
    return items


def _count(shape: object, name: str) -> int:
    """Elements of a tensor whose dimensions but the first are 1, such as [3] or [3, 1]."""
    if (
        not isinstance(shape, list)
        or not shape
        or not all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
        or shape[0] < 1
        or any(size != 1 for size in shape[1:])
    ):
        raise invalid_input(f"the shape of {name!r} must be [n] or [n, 1] with n of at least 1")
    count: int = shape[0]
    return count


def _flat(data: object, name: str) -> list[Item]:
    """Texts in a list, each perhaps in lists of its own."""
    problem = f'"data" of {name!r} must be a list of texts'
    if not isinstance(data, list):
        raise invalid_input(problem)
    found: list[Item] = []
    for value in data:
        item = value
        while isinstance(item, list) and len(item) == 1:
            item = item[0]
        if not isinstance(item, str):
            raise invalid_input(problem)
        found.append(item)
    return found


def _outputs(
    asked: object, given: tuple[TensorSpec, ...], binary_by_default: bool
) -> Mapping[str, bool]:
    names = [spec.name for spec in given]
    if asked is None or asked == []:
        return dict.fromkeys(names, binary_by_default)
    if not isinstance(asked, list):
        raise invalid_input('"outputs" must be a list')
    found: dict[str, bool] = {}
    for output in asked:
        name = output.get("name") if isinstance(output, dict) else None
        if name not in names or name in found:
            raise invalid_input(f'"outputs" may have each of {", ".join(names)} once')
        found[name] = _parameters(output).get(_BINARY, binary_by_default) is True
    return found


def _parameters(document: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = document.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict) or any(
        isinstance(value, list | dict) or value is None for value in parameters.values()
    ):
        raise invalid_input('"parameters" must be an object of texts, numbers, true and false')
    return parameters

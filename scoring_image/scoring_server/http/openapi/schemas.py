"""JSON Schemas of what is sent and answered."""

from typing import Any, Final

from scoring_server.http.faq import KIND as FAQ
from scoring_server.http.faq import MAX_CHARACTERS, MAX_QUESTIONS, MAX_TOP
from scoring_server.http.limits import MAX_IMAGES, MAX_NAME_CHARACTERS
from scoring_server.http.tensors import Signature

Schema = dict[str, Any]

JSON: Final = "application/json"
# What Python strips from a text beyond what the pattern's \s is.
_NOT_BLANK: Final = r"[^\s\u001c-\u001f\u0085]"
_QUESTION: Final[Schema] = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_CHARACTERS,
    "pattern": _NOT_BLANK,
}
_PROBABILITY: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
_ID: Final[Schema] = {"type": ["integer", "string"]}
_TEXT: Final[Schema] = {"type": "string"}
_OPTIONAL_TEXT: Final[Schema] = {"type": ["string", "null"]}


def record(required: dict[str, Schema], **optional: Schema) -> Schema:
    """An object with these fields and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


def _row(*items: Schema, optional: int = 0) -> Schema:
    """A list of these items, the last of which may be missing.

    Not as prefixItems, which says more: checkers in use take it for a mistake in answers.
    """
    return {
        "type": "array",
        "items": {"anyOf": list(items)},
        "minItems": len(items) - optional,
        "maxItems": len(items),
    }


def _one_or_many(schema: Schema, most: int | None = None) -> Schema:
    many: Schema = {"type": "array", "items": schema, "minItems": 1}
    return {"anyOf": [schema, many if most is None else many | {"maxItems": most}]}


ERROR: Final = record({"error": record({"code": _TEXT, "message": _TEXT})})
OPEN_INFERENCE_ERROR: Final = record({"error": _TEXT})

_RANKING: Final[Schema] = {"type": "array", "items": _row(_ID, _ID, _PROBABILITY)}
_DETAILS: Final = record(
    {
        "none": {"type": "boolean"},
        "noneProbability": _PROBABILITY,
        "matches": {
            "type": "array",
            "items": record({"question": _TEXT, "answer": _OPTIONAL_TEXT, "url": _OPTIONAL_TEXT}),
        },
    }
)
_FAQ_REQUEST: Final = record(
    {"input": _one_or_many(_QUESTION, MAX_QUESTIONS)},
    top={"type": ["integer", "null"], "minimum": 1, "maximum": MAX_TOP},
    minProbability={"type": ["number", "null"], "minimum": 0, "maximum": 1},
    details={"type": ["boolean", "null"]},
)
_FAQ_ANSWER: Final = record(
    {"result": _row(_one_or_many(_RANKING), _TEXT, _one_or_many(_DETAILS), optional=1)}
)
_IMAGES_REQUEST: Final = record(
    {
        "input": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": MAX_IMAGES,
            "propertyNames": {"minLength": 1, "maxLength": MAX_NAME_CHARACTERS},
            "additionalProperties": {
                "type": "string",
                "contentEncoding": "base64",
                "format": "image-base64",
            },
        }
    }
)
_FORM: Final[Schema] = {
    "type": "object",
    "required": ["image"],
    "properties": {"image": {"type": "string", "format": "binary"}},
}
_IMAGES_ANSWER: Final = record(
    {
        "result": _row(
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": _row(_TEXT, _PROBABILITY)},
            },
            _TEXT,
        )
    }
)


def score_content(kind: str, media_types: tuple[str, ...]) -> Schema:
    """The bodies that POST /score reads."""
    if kind == FAQ:
        return {JSON: {"schema": _FAQ_REQUEST}}
    content: Schema = {media_type: {"schema": {}} for media_type in media_types}
    content[JSON] = {"schema": _IMAGES_REQUEST}
    if "multipart/form-data" in content:
        content["multipart/form-data"] = {"schema": _FORM}
    return content


def score_answer(kind: str) -> Schema:
    """What POST /score answers."""
    return _FAQ_ANSWER if kind == FAQ else _IMAGES_ANSWER


def infer_request(signature: Signature) -> Schema:
    """An inference request in JSON; that shape and data agree is more than a schema can say."""
    parameters = {"type": "object"}
    tensor = {
        "type": "object",
        "required": ["name", "datatype", "shape", "data"],
        "properties": {
            "name": {"const": signature.input.name},
            "datatype": {"const": signature.input.datatype},
            "shape": {
                "type": "array",
                "prefixItems": [{"type": "integer", "minimum": 1, "maximum": signature.max_items}],
                "minItems": 1,
                "items": {"const": 1},
            },
            "data": {
                "type": "array",
                "minItems": 1,
                "maxItems": signature.max_items,
                "items": {"type": "string"},
            },
            "parameters": parameters,
        },
    }
    names = [spec.name for spec in signature.outputs]
    output = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": names}, "parameters": parameters},
    }
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "parameters": parameters,
            "inputs": {"type": "array", "items": tensor, "minItems": 1, "maxItems": 1},
            "outputs": {"type": "array", "items": output, "maxItems": len(names)},
        },
    }


def infer_answer(signature: Signature) -> Schema:
    """What an inference answers in JSON."""
    tensor = record(
        {
            "name": {"enum": [spec.name for spec in signature.outputs]},
            "datatype": {"enum": sorted({spec.datatype for spec in signature.outputs})},
            "shape": {"type": "array", "items": {"type": "integer"}},
            "data": {"type": "array", "items": {"type": ["string", "number"]}},
        }
    )
    return record(
        {
            "model_name": _TEXT,
            "model_version": _TEXT,
            "outputs": {"type": "array", "items": tensor},
        },
        id=_TEXT,
    )


_TENSORS: Final[Schema] = {
    "type": "array",
    "items": record(
        {
            "name": _TEXT,
            "datatype": _TEXT,
            "shape": {"type": "array", "items": {"type": "integer"}},
        }
    ),
}
SERVER: Final = record(
    {"name": _TEXT, "version": _TEXT, "extensions": {"type": "array", "items": _TEXT}}
)
MODEL: Final = record(
    {
        "name": _TEXT,
        "versions": {"type": "array", "items": _TEXT},
        "platform": _TEXT,
        "inputs": _TENSORS,
        "outputs": _TENSORS,
    }
)
MODEL_READY: Final = record({"name": _TEXT, "ready": {"type": "boolean"}})
LIVE: Final = record({"live": {"type": "boolean"}})
READY: Final = record({"ready": {"type": "boolean"}})
STATUS: Final = record({"status": {"enum": ["live", "stalled", "ready", "loading", "failed"]}})
_BATCH: Final = record(
    {
        "size": {"type": "integer"},
        "measured": {"type": "boolean"},
        "rates": {"type": "object", "additionalProperties": {"type": "number"}},
    }
)
VERSION: Final = record(
    {
        "version": _TEXT,
        "model": {
            "anyOf": [
                {"type": "null"},
                record(dict.fromkeys(("type", "name", "digest", "weights", "source"), _TEXT)),
            ]
        },
        "backend": {
            "anyOf": [
                {"type": "null"},
                record(
                    {
                        **dict.fromkeys(("name", "precision", "device"), _TEXT),
                        "batch": {"anyOf": [{"type": "null"}, _BATCH]},
                    }
                ),
            ]
        },
        "workers": {"type": "integer"},
        "threads": {"type": "integer"},
    }
)

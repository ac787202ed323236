"""The reference of the resource as Markdown, made from the same schema as the CRD."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from scoring_operator.api import constants, pod, quantities, status, types
from scoring_operator.api.crd import custom_resource_definition

Schema = Mapping[str, Any]

# An object with more fields than this below it gets a section of its own.
_LARGEST_TABLE: Final = 40

_FORMATS: Final = {
    "name": (types.ObjectName, "faq-keys"),
    "label key": (types.LabelKey, "topology.kubernetes.io/zone"),
    "label value": (types.LabelValue, "eu-west-1a"),
    "resource name": (types.ResourceName, "nvidia.com/gpu"),
    "image reference": (types.ImageReference, "registry.example.com/scoring-image:0.1.0-cpu"),
    "SHA-256": (types.Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    "URL": (types.HttpUrl, "https://example.com/models/faq.tar.gz"),
    "URL path": (types.UrlPath, "/faq"),
    "metric name": (types.MetricName, "queue_length"),
    "volume path": (types.VolumePath, "faq/v3"),
    "address range": (types.Cidr, "10.0.0.0/8"),
    "CPUs": (quantities.Cpu, "500m"),
    "bytes": (quantities.Memory, "4Gi"),
    "amount": (quantities.Amount, "2.5"),
    "variable name": (pod.EnvName, "HTTPS_PROXY"),
    "key of a Secret or ConfigMap": (pod.ConfigKey, "proxy.url"),
    "reason": (status.ReasonName, "AllReplicasReady"),
}
_NAMES: Final = {
    TypeAdapter(kind).json_schema()["pattern"]: name for name, (kind, _) in _FORMATS.items()
}

_HEAD: Final = f"""\
<!-- Generated from operator/scoring_operator/api by `scoring-operator reference`: `make crd`. -->
# ScoringService reference

`apiVersion: {constants.API_VERSION}`, `kind: {constants.KIND}`. The API server refuses what breaks
a type, a bound or a rule below, with the message given here, and in strict mode (kubectl's default)
every unknown field. `[]` after a name means: of each item. A field without a default has no effect
unless it is set, or the one that its text tells. `kubectl explain scoringservice.spec` shows the
same texts. Which reasons `status.conditions` gives is in the
[README](../README.md#when-something-is-wrong).
"""


def to_markdown() -> str:
    """The text of `docs/reference.md`."""
    (version,) = custom_resource_definition()["spec"]["versions"]
    root = version["schema"]["openAPIV3Schema"]
    parts = [_HEAD, "## metadata\n\n" + _bullets(root)]
    for name in ("spec", "status"):
        parts += _sections(name, root["properties"][name])
    parts.append(_formats())
    return "\n".join(parts)


def _sections(path: str, schema: Schema) -> Iterator[str]:
    """The section of an object, then those of the objects in it that have one of their own."""
    own = {
        name: child
        for name, child in schema["properties"].items()
        if path == "spec" and child.get("properties")
    }
    rows, rules = [], [f"- {rule}" for rule in _messages(schema)]
    large: dict[str, Schema] = {}
    for name, child in schema["properties"].items():
        required = name in schema.get("required", ())
        if name in own:
            rows.append(_row(name, child, required, link=f"{path}.{name}"))
            continue
        for inner, node, needed in list(_walk(name, child, required, large)):
            link = f"{path}.{inner}" if inner in large else None
            rows.append(_row(inner, node, needed, link))
            if not _is_leaf(node):
                subject = _item(node) if "items" in node else node
                rules += [f"- `{inner}`: {rule}" for rule in _messages(subject)]
    table = ["| field | type and bounds | default | |", "| --- | --- | --- | --- |", *rows]
    text = [f"## {path}", "", _text(schema), "", *table, ""]
    if rules:
        text += ["Rules:", "", *rules, ""]
    yield "\n".join(text)
    for name, child in {**own, **large}.items():
        yield from _sections(f"{path}.{name}", child)


def _walk(
    path: str, schema: Schema, required: bool, large: dict[str, Schema]
) -> Iterator[tuple[str, Schema, bool]]:
    """A field and all below it: relative path, schema, whether it is required.

    Objects that are too large are not entered but added to `large`.
    """
    yield path, schema, required
    inside = _item(schema) if "items" in schema else schema
    path += "[]" if "items" in schema else ""
    if _size(inside) > _LARGEST_TABLE:
        large[path] = inside
        return
    for name, child in inside.get("properties", {}).items():
        yield from _walk(f"{path}.{name}", child, name in inside.get("required", ()), large)


def _size(schema: Schema) -> int:
    inside = _item(schema) if "items" in schema else schema
    return 1 + sum(_size(child) for child in inside.get("properties", {}).values())


def _item(schema: Schema) -> Schema:
    item: Schema = schema["items"]
    return item


def _is_leaf(schema: Schema) -> bool:
    inside = _item(schema) if "items" in schema else schema
    return "properties" not in inside


def _row(path: str, schema: Schema, required: bool, link: str | None) -> str:
    name = f"[`{path}`](#{_anchor(link)})" if link else f"`{path}`"
    default = "required" if required else _default(schema)
    return f"| {name} | {_type(schema)} | {default} | {_text(schema)} |"


def _default(schema: Schema) -> str:
    value = schema.get("default")
    if value is None or value == {}:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`"


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return _and([_or([f"`{value}`" for value in schema["enum"]]), *_messages(schema)])
    if schema.get("x-kubernetes-int-or-string"):
        text = [_format(schema)] if "pattern" in schema else []
        return _and([*text, *_messages(schema)])
    kind = schema["type"]
    if kind == "integer":
        return _and([f"{schema['minimum']} to {schema['maximum']}", *_messages(schema)])
    if kind == "array":
        few = f"{schema['minItems']} to " if "minItems" in schema else "at most "
        item = "objects" if "properties" in _item(schema) else f"of: {_type(_item(schema))}"
        return f"list, {few}{schema['maxItems']}, {item}"
    if kind == "object" and "additionalProperties" in schema:
        value = _type(schema["additionalProperties"])
        limit = f"map, at most {schema['maxProperties']}, of: {value}"
        return _and([limit, *_messages(schema)])
    if kind == "string":
        return _and([_format(schema), *_messages(schema)])
    return str(kind)


def _format(schema: Schema) -> str:
    """A text's format, if it has one, and its length."""
    pattern = schema.get("pattern")
    text = f"[{_NAMES[pattern]}](#formats)" if pattern else schema.get("format", "text")
    few, most = schema.get("minLength", 0), schema["maxLength"]
    if few == most:
        return f"{text}, {most} characters"
    return f"{text}, at most {most} characters"


def _messages(schema: Schema) -> list[str]:
    return [rule["message"] for rule in schema.get("x-kubernetes-validations", ())]


def _bullets(schema: Schema) -> str:
    return "\n".join(f"- {message}" for message in _messages(schema)) + "\n"


def _text(schema: Schema) -> str:
    return str(schema.get("description", "")).replace("|", r"\|")


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _and(parts: list[str]) -> str:
    return "; ".join(parts)


def _anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return "".join(char for char in title.lower() if char.isalnum() or char in "-_")


def _formats() -> str:
    rows = []
    for name, (kind, example) in _FORMATS.items():
        pattern = TypeAdapter(kind).json_schema()["pattern"].replace("|", r"\|")
        rows.append(f"| {name} | `{example}` | `{pattern}` |")
    head = ["## Formats", "", "| format | example | pattern |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows, ""])

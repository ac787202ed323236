"""Specs drawn from the CRD's schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from scoring_operator.api.crd import custom_resource_definition

Spec = dict[str, Any]
Accepts = Callable[[Spec], bool]

_SCHEMA: dict[str, Any] = custom_resource_definition()["spec"]["versions"][0]["schema"]
SPEC = _SCHEMA["openAPIV3Schema"]["properties"]["spec"]

# Names that rules written in CEL accept, which the schema's patterns do not tell.
_KEYS = st.sampled_from(["team", "example.com/a", "example.com/b", "tier"])
_TEXT = st.text("abcxyz09", min_size=1, max_size=12)
_QUANTITIES = ("512Mi", "1Gi", "1500M", "2Gi")
_CPUS = ("250m", "500m", "1", "1.5", "2")
_CIDRS = ("10.0.0.0/8", "192.168.1.0/24", "fd00::/64")
# So many pods for each of some hundred services would be another test.
_MOST_PODS = 4
_PODS = frozenset({"replicas", "minReplicas", "maxReplicas"})
_BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "cpu": st.sampled_from(_CPUS),
    "memory": st.sampled_from(_QUANTITIES),
    "maxBodySize": st.sampled_from((*_QUANTITIES, 2097152)),
    "cidr": st.sampled_from(_CIDRS),
    "loadBalancerSourceRanges": st.lists(st.sampled_from(_CIDRS), unique=True, max_size=2),
    # No two services may have the same host.
    "host": st.just("{}.example.com"),
    "namespace": st.just("infra"),
    "value": st.sampled_from(["10", "500m", "3"]),
    "averageValue": st.sampled_from(["10", "500m", "3"]),
}


def values(schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Values that a schema allows, its CEL rules aside."""
    if name in _BY_NAME and schema.get("type") != "object":
        return _BY_NAME[name]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.one_of(st.just("auto"), st.integers(1, 8))
    match schema["type"]:
        case "object" if "properties" in schema:
            return _objects(schema)
        case "object":
            return st.dictionaries(_KEYS, values(schema["additionalProperties"]), max_size=2)
        case "array":
            least, most = schema.get("minItems", 0), min(schema.get("maxItems", 2), 2)
            return st.lists(values(schema["items"]), min_size=least, max_size=most)
        case "boolean":
            return st.booleans()
        case "integer":
            least = schema.get("minimum", 0)
            most = _MOST_PODS if name in _PODS else schema.get("maximum", 100)
            return st.integers(least, most)
    if "pattern" in schema:
        longest = min(schema.get("maxLength", 64), 64)
        made = st.from_regex(
            schema["pattern"], fullmatch=True, alphabet=st.characters(codec="ascii")
        )
        return made.filter(lambda text: schema.get("minLength", 0) <= len(text) <= longest)
    return _TEXT


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: values(field, name) for name, field in schema["properties"].items()}
    required = {name: fields.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=fields)


def draw(count: int, start: int = 0) -> list[Spec]:
    """So many specs, the same in every run; `start` numbers the draw."""
    drawn: list[Spec] = []

    @seed(start)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(values(SPEC))
    def take(spec: Spec) -> None:
        drawn.append(spec)

    take()
    return drawn


def valid_part(spec: Spec, start: Spec, accepts: Accepts) -> Spec:
    """`start` with as much of the spec as is accepted, one field added after the other."""
    found = start
    for name, value in spec.items():
        # The type of a model cannot be changed.
        whole = {**value, "type": start["model"]["type"]} if name == "model" else value
        candidates = ({**found, name: part} for part in (whole, *_parts(whole)))
        found = next(filter(accepts, candidates), found)
    return found


def _parts(value: Any) -> Iterator[Any]:
    """What may be valid where the whole is not: without one of its fields, and only one of them."""
    if isinstance(value, dict):
        for dropped in value:
            yield {name: item for name, item in value.items() if name != dropped}
        for kept, item in value.items():
            yield {kept: item}

"""Bounded scalar and map types of the resource, named after what Kubernetes calls them."""

import re
from ipaddress import ip_network
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

_NAME: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_VALUE: Final = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"
_LABEL_KEY: Final = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
_RESOURCE_NAME: Final = (
    r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
_MAX_LABELS: Final = 32

# A name of an object: DNS subdomain.
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=rf"^{_NAME}(\.{_NAME})*$")]
LabelKey = Annotated[str, Field(min_length=1, max_length=317, pattern=_LABEL_KEY)]
LabelValue = Annotated[str, Field(max_length=63, pattern=_LABEL_VALUE)]
# An extended resource: a domain, a slash and a name.
ResourceName = Annotated[str, Field(min_length=3, max_length=253, pattern=_RESOURCE_NAME)]
ImageReference = Annotated[
    str, Field(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$")
]
Sha256 = Annotated[str, Field(min_length=64, max_length=64, pattern=r"^[a-f0-9]{64}$")]


def _check_url(text: str) -> str:
    try:
        urlsplit(text)  # it knows which IPv6 addresses there are
    except ValueError as error:
        raise ValueError(f"not a URL: {error}") from None
    return text


_HOST: Final = r"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])"
_PORT: Final = r"([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# Without a user name or password: a spec is no place for credentials.
HttpUrl = Annotated[
    str,
    Field(min_length=8, max_length=2048, pattern=rf"^https?://{_HOST}(:{_PORT})?([/?#][!-~]*)?$"),
    AfterValidator(_check_url),
]
# A DNS name without a wildcard; the API server's own rule for an Ingress' host.
HostName = Annotated[str, Field(min_length=1, max_length=253, pattern=rf"^{_NAME}(\.{_NAME})*$")]
UrlPath = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^/([A-Za-z0-9._~-]+/?)*$")]
# Name of a Gateway's listener.
SectionName = Annotated[str, Field(min_length=1, max_length=253, pattern=rf"^{_NAME}(\.{_NAME})*$")]
MetricName = Annotated[
    str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9:._/|-]*$")
]
# A relative path inside a volume, without a way out of it.
VolumePath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
    ),
]


def _check_cidr(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f"not an address range: {error}") from None
    return text


# The API server's CEL knows address ranges since 1.31.
Cidr = Annotated[
    str,
    Field(min_length=1, max_length=43, pattern=r"^[0-9a-fA-F:.]+/[0-9]{1,3}$"),
    AfterValidator(_check_cidr),
    Field(
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "isCIDR(self) && cidr(self) == cidr(self).masked()",
                    "message": "must be an address range such as 10.0.0.0/8",
                }
            ]
        }
    ),
]


def _check_keys(mapping: dict[str, str]) -> dict[str, str]:
    for key in mapping:
        if len(key) > 317 or not re.fullmatch(_LABEL_KEY, key):
            raise ValueError(f"{key!r} is not a valid key: use [prefix/]name")
    return mapping


def _map_schema(value: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "object",
            "maxProperties": _MAX_LABELS,
            "additionalProperties": value,
            "x-kubernetes-validations": [
                {
                    "rule": f"self.all(key, size(key) <= 317 && key.matches('{_LABEL_KEY}'))",
                    "message": "keys must be of the form [prefix/]name",
                }
            ],
        }
    )


Labels = Annotated[
    dict[str, LabelValue],
    Field(max_length=_MAX_LABELS),
    AfterValidator(_check_keys),
    _map_schema({"type": "string", "maxLength": 63, "pattern": _LABEL_VALUE}),
]
Annotations = Annotated[
    dict[str, Annotated[str, Field(max_length=4096)]],
    Field(max_length=_MAX_LABELS),
    AfterValidator(_check_keys),
    _map_schema({"type": "string", "maxLength": 4096}),
]


def list_map(key: str) -> dict[str, Any]:
    """Schema extension for a list whose items are told apart by one field."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


ATOMIC: Final[dict[str, Any]] = {"x-kubernetes-list-type": "atomic"}

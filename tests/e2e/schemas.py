"""JSON Schemas of the children's kinds, made from the OpenAPI documents of a real API server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scoring_operator.manifests import CHILD_KINDS, ChildKind
from tests.e2e.api import Api

LOCATION = "{{.Group}}_{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
"""The name of a kind's file, as a template of kubeconform."""


def write(api: Api, folder: Path) -> None:
    """One file for each kind of child, which refuses fields that the server does not know."""
    for kind in CHILD_KINDS:
        group, _, version = kind.api_version.rpartition("/")
        document = api.request(
            "GET", f"/openapi/v3/{'apis' if group else 'api'}/{kind.api_version}"
        )
        schemas = document["components"]["schemas"]
        for schema in schemas.values():
            _close(schema)
        root = f"#/components/schemas/{_name(schemas, kind)}"
        text = json.dumps({"$ref": root, "components": {"schemas": schemas}})
        # kubeconform takes the version for the group of what has none.
        (folder / f"{group or version}_{kind.kind.lower()}_{version}.json").write_text(text)


def is_published(api: Api) -> bool:
    """Whether the API server describes every kind; it does so a while after a definition came."""
    paths = api.request("GET", "/openapi/v3")["paths"]
    for kind in CHILD_KINDS:
        path = f"{'apis' if '/' in kind.api_version else 'api'}/{kind.api_version}"
        if path not in paths:
            return False
        schemas = api.request("GET", f"/openapi/v3/{path}").get("components", {}).get("schemas", {})
        if not any(_is_of(schema, kind) for schema in schemas.values()):
            return False
    return True


def _name(schemas: dict[str, Any], kind: ChildKind) -> str:
    return next(name for name, schema in schemas.items() if _is_of(schema, kind))


def _is_of(schema: dict[str, Any], kind: ChildKind) -> bool:
    group, _, version = kind.api_version.rpartition("/")
    wanted = {"group": group, "kind": kind.kind, "version": version}
    return wanted in schema.get("x-kubernetes-group-version-kind", ())


def _close(schema: Any) -> None:
    """Refuse unknown fields everywhere, as `kubectl apply --validate=strict` does."""
    if isinstance(schema, list):
        for item in schema:
            _close(item)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("properties"), dict):
        open_ = schema.get("x-kubernetes-preserve-unknown-fields")
        schema.setdefault("additionalProperties", bool(open_))
    for item in schema.values():
        _close(item)

"""Definitions of kinds that a cluster may lack, to come and go in tests: any field is accepted."""

from __future__ import annotations

from scoring_operator.controller.children import CHILDREN
from tests.e2e.api import APPLY, Api, Object, Refused, eventually

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def install(api: Api, kind: str) -> None:
    """Define a kind, and wait until it is served."""
    resource = CHILDREN[kind]
    name = f"{resource.plural}.{resource.group}"
    anything: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version: Object = {
        "name": resource.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {**anything, "properties": {"spec": anything}}},
        "subresources": {"status": {}},
    }
    crd: Object = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": name,
            # Groups under k8s.io are refused without it.
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {
            "group": resource.group,
            "names": {"kind": kind, "plural": resource.plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [version],
        },
    }
    api.request("PATCH", f"{_CRDS}/{name}?fieldManager=tests&force=true", crd, APPLY)

    eventually(lambda: _is_served(api, kind), f"{kind} is served")


def _is_served(api: Api, kind: str) -> bool:
    """Whether requests for it are answered, and those who look for it find it: each comes later."""
    resource = CHILDREN[kind]
    try:
        groups = api.request("GET", "/apis")["groups"]
        found = api.request("GET", f"/apis/{resource.api_version}")["resources"]
        api.list(kind, "default")
    except Refused:
        return False
    versions = {version["groupVersion"] for group in groups for version in group["versions"]}
    return resource.api_version in versions and resource.plural in {item["name"] for item in found}


def uninstall(api: Api, kind: str) -> None:
    """Take the definition away, and all objects with it."""
    resource = CHILDREN[kind]
    path = f"{_CRDS}/{resource.plural}.{resource.group}"

    def gone() -> bool:
        try:
            api.request("DELETE", path)
        except Refused as refused:
            return refused.code == 404
        return False

    eventually(gone, f"{kind} is gone", pause=0.1)

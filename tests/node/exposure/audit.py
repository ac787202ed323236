"""How often the operator applied the children of an exposure, from the API server's audit log."""

import json
from collections import Counter

from tests.node.conftest import Product
from tests.node.namespace import Namespace

_RESOURCES = {"certificates", "httproutes", "ingresses", "middlewares"}


def applies(product: Product, namespace: Namespace) -> dict[tuple[str, str], int]:
    """Resource and name of each child, and how often it was applied."""
    assert product.cluster.audit_log is not None
    entries = map(json.loads, product.cluster.audit_log.read_text().splitlines())
    return Counter(
        (entry["objectRef"]["resource"], entry["objectRef"]["name"])
        for entry in entries
        if entry["verb"] == "patch"
        and entry["objectRef"].get("namespace") == namespace.name
        and entry["objectRef"]["resource"] in _RESOURCES
        and "subresource" not in entry["objectRef"]
    )

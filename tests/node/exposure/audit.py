"""How often the operator applied the children of an exposure, from the API server's audit log."""

from collections import Counter

from tests.e2e.api import audit_lines
from tests.node.conftest import Product
from tests.node.namespace import Namespace

_RESOURCES = {"certificates", "httproutes", "ingresses", "middlewares"}


def applies(product: Product, namespace: Namespace) -> dict[tuple[str, str], int]:
    """Resource and name of each child, and how often it was applied.

    What the API server could not do yet (the storage of a fresh kind is still being made) was no
    apply, and is tried again.
    """
    assert product.cluster.audit_log is not None
    return Counter(
        (entry["objectRef"]["resource"], entry["objectRef"]["name"])
        for entry in audit_lines(product.cluster.audit_log)
        if entry["verb"] == "patch"
        and entry["responseStatus"]["code"] < 300
        and entry["objectRef"].get("namespace") == namespace.name
        and entry["objectRef"]["resource"] in _RESOURCES
        and "subresource" not in entry["objectRef"]
    )

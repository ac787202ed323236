"""A request to the Kubernetes API in its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass
class Call:
    """One request as the proxy saw it; `code` is what the API server answered, 0 until then."""

    number: int
    """Counts all requests, from 1."""
    verb: str
    """get, list, watch, create, update, patch or delete."""
    resource: str
    """Plural name; with the subresource after a slash. Empty for discovery."""
    namespace: str
    name: str
    write: int = 0
    """Counts the writes to objects, from 1; 0 for reads, Leases and Events."""
    code: int = 0

    @property
    def what(self) -> str:
        """The call in words: `patch deployments`."""
        return f"{self.verb} {self.resource}"


def parse(method: str, path: str, query: Mapping[str, str], number: int) -> Call:
    """The call that a request line means."""
    parts = [part for part in path.split("/") if part]
    # /api/v1/… or /apis/<group>/<version>/…
    rest = parts[2:] if parts[:1] == ["api"] else parts[3:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource, name = [*rest, "", ""][:2]
    if len(rest) > 2:
        resource = f"{resource}/{rest[2]}"
    verb = _WRITES.get(method) or ("get" if name else "list")
    if method == "GET" and query.get("watch") in ("1", "true"):
        verb = "watch"
    return Call(number, verb, resource, namespace, name)


def counts_as_write(call: Call) -> bool:
    """Whether the call writes an object that matters: not the lead, nor a message for people."""
    writes = call.verb in ("create", "update", "patch", "delete")
    return writes and call.resource not in ("leases", "events")

"""Where the objects of a kind live in the API."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class ResourceType:
    """A kind as the API serves it: `ResourceType("apps/v1", "Deployment", "deployments")`."""

    api_version: str
    kind: str
    plural: str

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        group, _, version = self.api_version.rpartition("/")
        return group if version else ""

    @property
    def version(self) -> str:
        """The version within the group."""
        return self.api_version.rpartition("/")[2]

    @property
    def root(self) -> str:
        """The path under which the group's version is served and described."""
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.version}"

    def path(self, namespace: str | None, name: str | None = None, subresource: str = "") -> str:
        """The path of a collection (`name` None) or an object; `namespace` None = all of them."""
        parts = [self.root]
        if namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)

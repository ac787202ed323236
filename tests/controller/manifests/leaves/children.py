"""Looks at a service's children, whether rendered or stored."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Children = Mapping[str, Any]
"""Manifests by kind; of two of a kind the second one is `<kind><suffix of its name>`."""


def by_kind(manifests: Iterable[Mapping[str, Any]], name: str) -> Children:
    """The children of the service of that name."""
    return {f"{item['kind']}{item['metadata']['name'][len(name) :]}": item for item in manifests}


def annotations(child: Mapping[str, Any]) -> Mapping[str, str]:
    """Its annotations without the operator's own."""
    found = child["metadata"].get("annotations", {})
    return {key: value for key, value in found.items() if not key.startswith("scoring.dev/")}


def template(children: Children) -> Any:
    """The pod template."""
    return children["Deployment"]["spec"]["template"]


def pod(children: Children) -> Any:
    """The spec of the pods."""
    return template(children)["spec"]


def container(children: Children) -> Any:
    """The scoring container."""
    return pod(children)["containers"][0]


def env(children: Children) -> dict[str, Any]:
    """The scoring container's variables: their values, or where these come from."""
    return {
        item["name"]: item.get("value", item.get("valueFrom"))
        for item in container(children)["env"]
    }


def volume(children: Children, name: str) -> Any:
    """A volume of the pods."""
    return next(item for item in pod(children)["volumes"] if item["name"] == name)


def at(part: Callable[[Children], Any], *path: str | int) -> Callable[[Children], Any]:
    """A look at a place inside a part."""

    def look(children: Children) -> Any:
        found = part(children)
        for step in path:
            found = found[step]
        return found

    return look


def metric(children: Children) -> Any:
    """The first metric of the autoscaler."""
    return children["HorizontalPodAutoscaler"]["spec"]["metrics"][0]

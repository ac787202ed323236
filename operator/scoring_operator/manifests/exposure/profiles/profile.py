"""The form in which an ingress class' words are written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SecondIngress:
    """An Ingress for plain HTTP beside the one that serves, where a class needs two."""

    suffix: str
    annotations: Mapping[str, str]
    serves: bool
    """Whether it serves, and so is annotated by the user as the first one is; else it redirects."""
    withheld: tuple[str, ...] = ()
    """Beginnings of the user's annotations that are about the first one alone."""

    def annotated(self, users: Mapping[str, str]) -> dict[str, str]:
        """Its annotations with those of the user's that concern it."""
        if not self.serves:
            return dict(self.annotations)
        mine = {key: value for key, value in users.items() if not key.startswith(self.withheld)}
        return {**self.annotations, **mine}


@dataclass(frozen=True)
class Profile:
    """What one ingress class has to be told."""

    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of the Ingress that serves."""
    second: SecondIngress | None = None
    middlewares: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Specs of Traefik Middlewares, by the suffix of their name."""
    shortcomings: tuple[str, ...] = ()
    """Needs that the class cannot meet, in words for the user."""


def boolean(value: bool) -> str:
    """A boolean as an annotation."""
    return "true" if value else "false"


def nginx_size(size: int) -> str:
    """A number of bytes in NGINX's syntax: its k and m are powers of 1024."""
    for suffix, unit in (("m", 2**20), ("k", 2**10)):
        if size % unit == 0:
            return f"{size // unit}{suffix}"
    return str(size)

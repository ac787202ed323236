"""Which ScoringService has a host and path, where several ask for the same. Pure.

The oldest has it: an older service's address is never taken by a newer one. Several ScoringServices
may share a host with different paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring_operator.controller.objects import metadata

Key = tuple[str, str]
Address = tuple[str, str]
"""Host, and path without a slash at its end."""


class HostClaims:
    """The addresses that ScoringServices ask for, by namespace and name."""

    def __init__(self) -> None:
        self._addresses: dict[Key, Address] = {}
        self._claims: dict[Address, dict[Key, str]] = {}  # when each claimant was created

    def update(self, key: Key, resource: Mapping[str, Any] | None) -> set[Key]:
        """Take in a version of a resource (None: it is gone); for whom the owner has changed."""
        old, new = self._addresses.get(key), None if resource is None else _address(resource)
        touched = {address for address in (old, new) if address is not None}
        before = {address: self._winner(address) for address in touched}
        if old is not None:
            del self._addresses[key], self._claims[old][key]
        if resource is not None and new is not None:
            self._addresses[key] = new
            created = str(metadata(resource).get("creationTimestamp", ""))
            self._claims.setdefault(new, {})[key] = created
        concerned: set[Key] = set()
        for address in touched:
            if self._winner(address) != before[address]:
                concerned.update(self._claims[address])
            if not self._claims[address]:
                del self._claims[address]
        return concerned - {key}

    def owner(self, key: Key) -> Key | None:
        """Another ScoringService that has the address of this one; None if there is none."""
        address = self._addresses.get(key)
        winner = None if address is None else self._winner(address)
        return None if winner == key else winner

    def _winner(self, address: Address) -> Key | None:
        claims = self._claims.get(address, {})
        return min(claims, key=lambda key: (claims[key], key), default=None)


def _address(resource: Mapping[str, Any]) -> Address | None:
    """What the spec asks for, also where it is invalid: what runs has it then."""
    exposure = (resource.get("spec") or {}).get("exposure")
    host = exposure.get("host") if isinstance(exposure, Mapping) else None
    if not isinstance(exposure, Mapping) or not host:
        return None
    return str(host), str(exposure.get("path") or "").rstrip("/")

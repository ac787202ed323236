"""Whether anything has changed that the plan for the children goes by. Pure.

Most looks are woken by pods and by what children report. To render the manifests and to compare
them is most of the work of such a look, and comes to the same as before: nothing to do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from scoring_operator.controller.fingerprint import canonical, fingerprint
from scoring_operator.controller.plan import Name
from scoring_operator.controller.store import Child


class Settled(NamedTuple):
    """What was seen when nothing was to be done."""

    sight: bytes
    absent_kinds: tuple[str, ...]


def sight_of(
    resource: Mapping[str, Any],
    children: Mapping[Name, Child],
    served: Collection[str],
    *,
    contested: bool,
) -> bytes:
    """A digest of all that `render`, `applicable` and `make_plan` go by; statuses are not."""
    digest = hashlib.blake2b(canonical([sorted(served), contested]), digest_size=16)
    digest.update(fingerprint(resource).essence)
    for name, child in children.items():
        identity = [*name, child.uid, child.owner, child.replicas_held, len(child.essence)]
        digest.update(canonical(identity))
        digest.update(child.essence)
    return digest.digest()

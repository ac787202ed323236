"""Small readings of Kubernetes objects that several modules here need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring_operator.api import FIELD_MANAGER, GROUP, KIND, LABEL_NAME

OWNER_UID = f"{GROUP}/owner-uid"
"""Annotation on every child: the uid of its ScoringService, also when the reference is removed."""

SCALE_MANAGER = f"{FIELD_MANAGER}-scale"
"""The field manager that keeps a Deployment's replicas while an autoscaler takes over."""


def metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object's metadata, never None."""
    return obj.get("metadata") or {}


def controller_reference(obj: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The owner reference of the object's controller, whatever kind that is."""
    for reference in metadata(obj).get("ownerReferences") or ():
        if reference.get("controller"):
            return dict(reference)
    return None


def owner_uid(obj: Mapping[str, Any]) -> str | None:
    """The uid of the ScoringService that the object belongs to; None if it is not ours.

    Ours is what has a ScoringService as its controller. Where the owner reference was stripped,
    ours is what our field manager applied for that uid: both the annotation and the manager's own
    entry in managedFields must say so, and no other controller may have adopted it.
    """
    reference = controller_reference(obj)
    if reference is not None:
        ours = reference.get("kind") == KIND and _group(reference.get("apiVersion")) == GROUP
        return str(reference.get("uid")) if ours else None
    uid = (metadata(obj).get("annotations") or {}).get(OWNER_UID)
    return str(uid) if uid and applied_by_us(obj) else None


def owner_name(obj: Mapping[str, Any]) -> str | None:
    """The name of the ScoringService that the object says it is part of."""
    reference = controller_reference(obj)
    if reference is not None and reference.get("kind") == KIND:
        return str(reference.get("name"))
    name = (metadata(obj).get("labels") or {}).get(LABEL_NAME)
    return str(name) if name else None


def applied_by_us(obj: Mapping[str, Any]) -> bool:
    """Whether our field manager has applied this object."""
    return any(
        entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply"
        for entry in metadata(obj).get("managedFields") or ()
    )


def holds_replicas(obj: Mapping[str, Any]) -> bool:
    """Whether our second field manager has a say in the number of replicas."""
    return any(
        entry.get("manager") == SCALE_MANAGER
        and "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
        for entry in metadata(obj).get("managedFields") or ()
    )


def spec_has_other_manager(obj: Mapping[str, Any]) -> bool:
    """Whether somebody else owns a part of what the object asks for, so that we did not make it."""
    return any(
        not entry.get("subresource")
        and entry.get("manager") != FIELD_MANAGER
        and any(field not in ("f:metadata", "f:status") for field in entry.get("fieldsV1") or ())
        for entry in metadata(obj).get("managedFields") or ()
    )


def _group(api_version: object) -> str:
    return str(api_version or "").rpartition("/")[0]

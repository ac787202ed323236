"""Which errors of a write are answers about the child, to be told to the user, and which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring_operator.controller.plan import name_of
from scoring_operator.kube import ApiError, BadRequest, Forbidden, Invalid
from scoring_operator.status import Refusal
from scoring_operator.status.reasons import Reason, refused_by


def refusal(obj: Mapping[str, Any], error: ApiError) -> Refusal | None:
    """The refusal that an error means; None where it says nothing about this child."""
    reason = _reason(error)
    if reason is None:
        return None
    kind, name = name_of(obj)
    return Refusal(kind=kind, name=name, reason=reason, message=error.message)


def namespace_ends(error: ApiError) -> bool:
    """Whether the namespace is being deleted: nothing can be created in it, nor needs to be."""
    return error.has_cause("NamespaceTerminating")


def _reason(error: ApiError) -> Reason | None:
    if not isinstance(error, BadRequest | Forbidden | Invalid):
        return None
    by = refused_by(error.message)
    # Webhooks and admission policies choose the code themselves; the words are the server's.
    denied = "denied the request" in error.message or "denied request" in error.message
    if by == Reason.QUOTA_EXCEEDED or denied or isinstance(error, Forbidden):
        return by
    return Reason.INVALID_SPEC

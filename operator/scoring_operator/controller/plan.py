"""What is to be done to make the children what they should be. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scoring_operator.api import KIND
from scoring_operator.controller.drift import difference, manifest_hash
from scoring_operator.controller.handover import DEPLOYMENTS, SCALER, HandOver, plan_hand_over
from scoring_operator.controller.objects import controller_reference, metadata
from scoring_operator.controller.store import Child
from scoring_operator.status import Refusal
from scoring_operator.status.reasons import Reason

Manifest = dict[str, Any]
Name = tuple[str, str]
"""Kind and name, within the namespace of the ScoringService."""


@dataclass(frozen=True)
class Step:
    """A manifest to be applied, over `live` if there is an object that is known to be ours."""

    manifest: Manifest
    live: Child | None
    field: str
    """Where live and manifest differ, for the log."""


@dataclass(frozen=True)
class Plan:
    """The outcome of comparing the manifests with what is known."""

    owner: str = ""
    """The uid of the ScoringService."""
    steps: list[Step] = field(default_factory=list)
    unknown: list[Name] = field(default_factory=list)
    """Children that must be read before anything can be said about them."""
    surplus: list[Child] = field(default_factory=list)
    """Ours, but no longer wanted."""
    refusals: list[Refusal] = field(default_factory=list)
    waiting: bool = False
    """An object must go away first: it is being deleted, or of an earlier resource's."""
    hand_over: HandOver = field(default_factory=HandOver)

    @property
    def writes(self) -> bool:
        """Whether a child is to be changed."""
        return bool(self.steps or self.surplus or self.hand_over.pending)


def name_of(obj: Mapping[str, Any]) -> Name:
    """The kind and name of a manifest or an object."""
    return str(obj["kind"]), str(obj["metadata"]["name"])


def make_plan(
    owner: str,
    manifests: Sequence[Manifest],
    children: Mapping[Name, Child],
    absent: Collection[Name] = (),
    tolerated: Mapping[Name, tuple[str, bytes]] | None = None,
) -> Plan:
    """Compare the manifests of the ScoringService with uid `owner` with its children as known.

    `absent` are names that were read and found free. `tolerated` are objects that the API server
    made different from their manifest when it was applied (a mutating webhook), by the manifest's
    hash and the object's essence: to apply the same again would not help.
    """
    plan = Plan(owner)
    waiting = False
    wanted = set()
    for manifest in manifests:
        name = name_of(manifest)
        wanted.add(name)
        child = children.get(name)
        if child is None and name not in absent:
            plan.unknown.append(name)
        elif child is None:
            plan.steps.append(Step(manifest, None, "all"))
        elif child.owner != owner:
            if _of_earlier(child, manifest):
                waiting = True
            else:
                plan.refusals.append(name_conflict(manifest))
        elif "deletionTimestamp" in metadata(child.object):
            waiting = True
        else:
            at = difference(child.object, manifest)
            known = (manifest_hash(manifest), child.essence)
            if at is not None and (tolerated or {}).get(name) != known:
                # The stamp differs with every change; the field behind it says more.
                in_spec = difference(child.object.get("spec"), manifest.get("spec", {}), "spec")
                plan.steps.append(Step(manifest, child, in_spec or at))
    for name, child in children.items():
        leaving = "deletionTimestamp" in metadata(child.object)
        if child.owner == owner and name not in wanted and not leaving:
            plan.surplus.append(child)
    hand_over = _hand_over(owner, manifests, children, plan.steps)
    return replace(plan, waiting=waiting, hand_over=hand_over)


def name_conflict(manifest: Manifest) -> Refusal:
    """The child's name is taken by an object that is not ours."""
    kind, name = name_of(manifest)
    return Refusal(
        kind=kind,
        name=name,
        reason=Reason.NAME_CONFLICT,
        message=f"the {kind} {name} exists and does not belong to this {KIND}: "
        "delete or rename one of them",
    )


def _hand_over(
    owner: str,
    manifests: Sequence[Manifest],
    children: Mapping[Name, Child],
    steps: Sequence[Step],
) -> HandOver:
    def ours(kind: str) -> Child | None:
        found = (child for name, child in children.items() if name[0] == kind)
        return next((child for child in found if child.owner == owner), None)

    scaler = next((item for item in manifests if item["kind"] == SCALER), None)
    writes = {step.manifest["kind"] for step in steps}
    return plan_hand_over(scaler, ours(DEPLOYMENTS.kind), ours(SCALER), writes)


def _of_earlier(child: Child, manifest: Manifest) -> bool:
    """Whether the child belongs to a deleted ScoringService of the same name, and will go too."""
    reference = controller_reference(child.object)
    owner = controller_reference(manifest) or {}
    return (
        child.owner is not None
        and reference is not None
        and reference.get("name") == owner.get("name")
    )

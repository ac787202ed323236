"""Scheduling affinity, as in a Pod, with bounds."""

from typing import Annotated, Literal

from pydantic import Field

from scoring_operator.api.base import Model
from scoring_operator.api.types import ATOMIC, LabelKey, Labels, LabelValue, ObjectName

Weight = Annotated[int, Field(ge=1, le=100)]


class Requirement(Model):
    """A requirement on one label or field of a node."""

    key: LabelKey
    """The label's key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    """How values are compared."""
    values: list[LabelValue] = Field(default_factory=list, max_length=32, json_schema_extra=ATOMIC)
    """Values to compare with; empty for Exists and DoesNotExist."""


class LabelRequirement(Model):
    """A requirement on one label of a pod or namespace."""

    key: LabelKey
    """The label's key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How values are compared."""
    values: list[LabelValue] = Field(default_factory=list, max_length=32, json_schema_extra=ATOMIC)
    """Values to compare with; empty for Exists and DoesNotExist."""


class LabelSelector(Model):
    """Selects objects by their labels."""

    match_labels: Labels = Field(default_factory=dict)
    """Labels that must be equal."""
    match_expressions: list[LabelRequirement] = Field(
        default_factory=list, max_length=16, json_schema_extra=ATOMIC
    )
    """Requirements that must all hold."""


class NodeSelectorTerm(Model):
    """Requirements on a node that must all hold."""

    match_expressions: list[Requirement] = Field(
        default_factory=list, max_length=16, json_schema_extra=ATOMIC
    )
    """Requirements on labels."""
    match_fields: list[Requirement] = Field(
        default_factory=list, max_length=16, json_schema_extra=ATOMIC
    )
    """Requirements on fields, i.e. metadata.name."""


class NodeSelector(Model):
    """Terms of which one must hold."""

    node_selector_terms: list[NodeSelectorTerm] = Field(
        min_length=1, max_length=16, json_schema_extra=ATOMIC
    )
    """The terms."""


class PreferredNode(Model):
    """A preference for nodes, with a weight."""

    weight: Weight
    """1 to 100."""
    preference: NodeSelectorTerm
    """The preferred nodes."""


class NodeAffinity(Model):
    """Which nodes the pods need or prefer."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    """Nodes that the pods need."""
    preferred_during_scheduling_ignored_during_execution: list[PreferredNode] = Field(
        default_factory=list, max_length=16, json_schema_extra=ATOMIC
    )
    """Nodes that the pods prefer."""


class PodAffinityTerm(Model):
    """Pods to be near to, or away from."""

    topology_key: LabelKey
    """Node label that says what near means, e.g. kubernetes.io/hostname."""
    label_selector: LabelSelector | None = None
    """The pods that are meant."""
    namespace_selector: LabelSelector | None = None
    """Their namespaces by label."""
    namespaces: list[ObjectName] = Field(
        default_factory=list, max_length=16, json_schema_extra=ATOMIC
    )
    """Their namespaces by name; empty means the pod's own."""


class PreferredPods(Model):
    """A preference for being near to, or away from, pods, with a weight."""

    weight: Weight
    """1 to 100."""
    pod_affinity_term: PodAffinityTerm
    """The pods that are meant."""


class PodAffinity(Model):
    """Pods that are needed or preferred near by (or, as anti-affinity, kept away from)."""

    required_during_scheduling_ignored_during_execution: list[PodAffinityTerm] = Field(
        default_factory=list, max_length=16, json_schema_extra=ATOMIC
    )
    """What is needed."""
    preferred_during_scheduling_ignored_during_execution: list[PreferredPods] = Field(
        default_factory=list, max_length=16, json_schema_extra=ATOMIC
    )
    """What is preferred."""


class Affinity(Model):
    """Scheduling constraints of the pods."""

    node_affinity: NodeAffinity | None = None
    """Which nodes."""
    pod_affinity: PodAffinity | None = None
    """Near to which pods."""
    pod_anti_affinity: PodAffinity | None = None
    """Away from which pods."""

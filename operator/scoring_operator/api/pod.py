"""What a user may add to the pods: spec.podTemplate."""

from typing import Annotated, Literal

from pydantic import Field

from scoring_operator.api.affinity import Affinity
from scoring_operator.api.base import Model, Rule
from scoring_operator.api.types import (
    ATOMIC,
    Annotations,
    LabelKey,
    Labels,
    LabelValue,
    ObjectName,
    list_map,
)

EnvName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ConfigKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]

_OURS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/managed-by")


class KeyReference(Model):
    """One key of a Secret or ConfigMap in the same namespace."""

    name: ObjectName
    """Name of the object."""
    key: ConfigKey
    """The key whose value is taken."""
    optional: bool = False
    """Whether a pod starts when the object or the key is missing."""


class EnvSource(Model):
    """Where the value of an environment variable comes from."""

    rules = (
        Rule(
            "has(self.secretKeyRef) != has(self.configMapKeyRef)",
            "give exactly one of secretKeyRef and configMapKeyRef",
            lambda source: (source.secret_key_ref is None) != (source.config_map_key_ref is None),
        ),
    )

    secret_key_ref: KeyReference | None = None
    """A key of a Secret."""
    config_map_key_ref: KeyReference | None = None
    """A key of a ConfigMap."""


class EnvVar(Model):
    """One environment variable of the scoring container."""

    rules = (
        Rule(
            "!(has(self.value) && has(self.valueFrom))",
            "give at most one of value and valueFrom",
            lambda env: env.value is None or env.value_from is None,
        ),
        Rule(
            "!self.name.startsWith('SCORING_') && self.name != 'NVIDIA_VISIBLE_DEVICES'",
            "SCORING_* and NVIDIA_VISIBLE_DEVICES are set by the operator from the spec",
            lambda env: (
                not env.name.startswith("SCORING_") and env.name != "NVIDIA_VISIBLE_DEVICES"
            ),
        ),
    )

    name: EnvName
    """Name of the variable."""
    value: Annotated[str, Field(max_length=4096)] | None = None
    """A plain value; never put a secret here."""
    value_from: EnvSource | None = None
    """A key of a Secret or ConfigMap."""


class Toleration(Model):
    """A taint that the pods tolerate, as in a Pod."""

    rules = (
        Rule(
            "has(self.key) || self.operator == 'Exists'",
            "a toleration without a key needs operator Exists",
            lambda toleration: toleration.key is not None or toleration.operator == "Exists",
        ),
        Rule(
            "!(has(self.value) && self.operator == 'Exists')",
            "a toleration with operator Exists takes no value",
            lambda toleration: toleration.value is None or toleration.operator != "Exists",
        ),
        Rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "tolerationSeconds needs effect NoExecute",
            lambda toleration: (
                toleration.toleration_seconds is None or toleration.effect == "NoExecute"
            ),
        ),
    )

    key: LabelKey | None = None
    """Key of the taint; empty with operator Exists means every taint."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Equal compares the value, Exists does not."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; empty means all effects."""
    toleration_seconds: int | None = Field(default=None, ge=0, le=2**31 - 1)
    """How long a NoExecute taint is tolerated."""


def _no_reserved_labels(template: "PodTemplate") -> bool:
    return not any(
        key in _OURS or key.startswith("scoring.dev/")
        for key in (*template.labels, *template.annotations)
    )


class PodTemplate(Model):
    """Additions to the serving pods. Security settings belong to the operator."""

    rules = (
        Rule(
            "(!has(self.labels) || self.labels.all(key, !key.startsWith('scoring.dev/') && "
            f"!(key in [{', '.join(repr(key) for key in _OURS)}])))"
            " && (!has(self.annotations)"
            " || self.annotations.all(key, !key.startsWith('scoring.dev/')))",
            "labels and annotations of the operator (scoring.dev/*, app.kubernetes.io/name,"
            " instance, managed-by) cannot be set",
            _no_reserved_labels,
        ),
    )

    labels: Labels = Field(default_factory=dict)
    """Labels to add."""
    annotations: Annotations = Field(default_factory=dict)
    """Annotations to add."""
    env: list[EnvVar] = Field(
        default_factory=list, max_length=64, json_schema_extra=list_map("name")
    )
    """Environment variables for the scoring container."""
    node_selector: Labels = Field(default_factory=dict)
    """Node labels that the pods ask for."""
    tolerations: list[Toleration] = Field(
        default_factory=list, max_length=32, json_schema_extra=ATOMIC
    )
    """Taints that the pods tolerate. The taint of the GPU resource is tolerated anyway."""
    affinity: Affinity | None = None
    """Scheduling constraints, as in a Pod."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of the pods."""
    runtime_class_name: ObjectName | None = None
    """RuntimeClass of the pods, e.g. nvidia."""
    service_account_name: ObjectName | None = None
    """ServiceAccount of the pods; its token is not mounted."""

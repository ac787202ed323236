"""How many pods run, decided by load: spec.autoscaling."""

from typing import Annotated, Final, Literal

from pydantic import Field

from scoring_operator.api.base import Model, Rule
from scoring_operator.api.quantities import Amount
from scoring_operator.api.types import ATOMIC, Labels, MetricName

DEFAULT_CPU_UTILIZATION: Final = 70
Percent = Annotated[int, Field(ge=1, le=1000)]


def _is_pod_resource(metric: "ScalingMetric") -> bool:
    return metric.type in ("CPU", "Memory")


class ScalingMetric(Model):
    """One figure to scale by. Of several, the one that asks for the most pods decides."""

    rules = (
        Rule(
            "self.type in ['CPU', 'Memory'] ? has(self.averageUtilization) && !has(self.value)"
            " && !has(self.averageValue) : !has(self.averageUtilization)",
            "CPU and Memory take averageUtilization and nothing else; Requests and External do not",
            lambda metric: (
                metric.average_utilization is not None
                and metric.value is None
                and metric.average_value is None
                if _is_pod_resource(metric)
                else metric.average_utilization is None
            ),
        ),
        Rule(
            "self.type != 'Requests' || (has(self.averageValue) && !has(self.value))",
            "Requests takes averageValue: requests in flight per pod",
            lambda metric: (
                metric.type != "Requests"
                or (metric.average_value is not None and metric.value is None)
            ),
        ),
        Rule(
            "self.type != 'External'"
            " || (has(self.name) && has(self.value) != has(self.averageValue))",
            "External takes a name and exactly one of value and averageValue",
            lambda metric: (
                metric.type != "External"
                or (
                    metric.name is not None
                    and (metric.value is None) != (metric.average_value is None)
                )
            ),
        ),
        Rule(
            "self.type == 'External' || (!has(self.name) && !has(self.selector))",
            "only External takes a name and a selector",
            lambda metric: (
                metric.type == "External" or (metric.name is None and not metric.selector)
            ),
        ),
    )

    type: Literal["CPU", "Memory", "Requests", "External"]
    """CPU and Memory, as a share of the pods' requests, need metrics-server. Requests, scoring
    requests in flight per pod (the metric scoring_requests_in_flight), needs an adapter for custom
    metrics, External, any metric from outside, one for external metrics.
    """
    average_utilization: Percent | None = None
    """CPU, Memory: percent of the request, averaged over the pods."""
    average_value: Amount | None = None
    """Requests: requests in flight per pod. External: the metric divided by the number of pods."""
    value: Amount | None = None
    """External: the metric as it is."""
    name: MetricName | None = None
    """External: name of the metric, as the adapter gives it."""
    selector: Labels = Field(default_factory=dict)
    """External: labels that the metric's series must have."""


class ScalingPolicy(Model):
    """The largest change within a time."""

    type: Literal["Pods", "Percent"]
    """Whether value counts pods or percent of the pods."""
    value: int = Field(ge=1, le=10000)
    """The largest change."""
    period_seconds: int = Field(ge=1, le=1800)
    """The time in which the change is counted, in seconds."""


class ScalingRules(Model):
    """How fast to scale in one direction; what is left out has Kubernetes' defaults."""

    stabilization_window_seconds: int | None = Field(default=None, ge=0, le=3600)
    """Seconds of past recommendations of which the most cautious counts. Kubernetes' default: 0 up,
    300 down.
    """
    select_policy: Literal["Max", "Min", "Disabled"] | None = None
    """Which of several policies counts: Max (Kubernetes' default) the largest change, Min the
    smallest. Disabled stops scaling in this direction.
    """
    policies: list[ScalingPolicy] = Field(
        default_factory=list, max_length=8, json_schema_extra=ATOMIC
    )
    """Limits of the speed."""


class ScalingBehavior(Model):
    """How fast to scale, as in a HorizontalPodAutoscaler."""

    scale_up: ScalingRules | None = None
    """Towards more pods."""
    scale_down: ScalingRules | None = None
    """Towards fewer pods."""


class Autoscaling(Model):
    """A HorizontalPodAutoscaler decides the number of pods."""

    rules = (
        Rule(
            "(has(self.minReplicas) ? self.minReplicas : 1) <= self.maxReplicas",
            "minReplicas must not exceed maxReplicas",
            lambda scaling: scaling.min_replicas <= scaling.max_replicas,
        ),
    )

    min_replicas: int = Field(default=1, ge=1, le=1000)
    """Fewest pods; two or more for availability."""
    max_replicas: int = Field(ge=1, le=1000)
    """Most pods."""
    metrics: list[ScalingMetric] = Field(
        default_factory=list, max_length=8, json_schema_extra=ATOMIC
    )
    """What to scale by; 70 percent of the requested CPU unless set."""
    behavior: ScalingBehavior = Field(default_factory=ScalingBehavior)
    """How fast to scale; Kubernetes' defaults unless set."""

    @property
    def effective_metrics(self) -> list[ScalingMetric]:
        """The metrics, or the default one."""
        return self.metrics or [
            ScalingMetric(type="CPU", average_utilization=DEFAULT_CPU_UTILIZATION)
        ]

"""Prometheus metrics of the process."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOOK_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Metrics:
    """The metrics, and the observers that other parts call."""

    def __init__(
        self,
        *,
        queue_depth: Callable[[], float],
        leads: Callable[[], bool],
        reasons: Callable[[], Iterable[str]],
    ) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._looks = Counter(
            "scoring_operator_reconcile",
            "Looks at a ScoringService, by result: success, gone, conflict, error.",
            ["result"],
            registry=self._registry,
        )
        self._look_seconds = Histogram(
            "scoring_operator_reconcile_seconds",
            "Duration of a look at a ScoringService.",
            buckets=_LOOK_BUCKETS,
            registry=self._registry,
        )
        self._requests = Counter(
            "scoring_operator_api_requests",
            "Requests to the API server, by verb, resource and HTTP status (0: no answer).",
            ["verb", "resource", "code"],
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "scoring_operator_api_request_seconds",
            "Duration of requests to the API server, watches excepted.",
            ["verb"],
            registry=self._registry,
        )
        Gauge(
            "scoring_operator_queue_depth",
            "ScoringServices that wait for a worker.",
            registry=self._registry,
        ).set_function(queue_depth)
        Gauge(
            "scoring_operator_leader",
            "1 while this process leads.",
            registry=self._registry,
        ).set_function(lambda: float(leads()))
        self._registry.register(_Resources(reasons))

    def look(self, result: str, seconds: float) -> None:
        """A worker has looked at a resource."""
        self._looks.labels(result).inc()
        self._look_seconds.observe(seconds)

    def request(self, verb: str, resource: str, code: int, seconds: float) -> None:
        """A request to the API server has ended."""
        self._requests.labels(verb, resource, str(code)).inc()
        if verb != "watch":
            self._request_seconds.labels(verb).observe(seconds)

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _Resources(Collector):
    """ScoringServices by the reason of their Ready condition, counted when asked for."""

    def __init__(self, reasons: Callable[[], Iterable[str]]) -> None:
        self._reasons = reasons

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One gauge with a sample for each reason."""
        family = GaugeMetricFamily(
            "scoring_operator_resources",
            "ScoringServices by the reason of their Ready condition.",
            labels=["reason"],
        )
        for reason, count in sorted(Count(self._reasons()).items()):
            family.add_metric([reason or "Unknown"], count)
        yield family

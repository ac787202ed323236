"""Prometheus metrics, correct over several worker processes."""

import os
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from scoring_server.http.service import BackendInfo, BatchInfo, ModelInfo

MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0
)  # fmt: skip
_BATCH_SIZES: Final = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The server's metrics.

    With PROMETHEUS_MULTIPROC_DIR set before this module is imported, every worker writes into files
    there and any worker answers for all; without it there is one process.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "scoring_requests_total",
            "Requests answered, by route and status.",
            ["route", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "scoring_request_duration_seconds",
            "Time from a request's headers to its answer, by route.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "scoring_requests_in_flight",
            "Scoring requests that are being worked on.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        # Looking the labels up takes as long as counting.
        self._bound: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._refusals = Counter(
            "scoring_refusals_total",
            "Scoring requests that were refused, by reason.",
            ["reason"],
            registry=registry,
        )
        self._model = Gauge(
            "scoring_model_info",
            "The model that is served; the value is always 1.",
            ["type", "name", "digest", "weights", "backend", "precision", "device"],
            registry=registry,
            multiprocess_mode="livemax",
        )

    def request_answered(self, route: str, status: int, seconds: float) -> None:
        """A request of this route was answered."""
        bound = self._bound.get((route, status))
        if bound is None:
            bound = self._requests.labels(route, str(status)), self._request_seconds.labels(route)
            self._bound[route, status] = bound
        requests, request_seconds = bound
        requests.inc()
        request_seconds.observe(seconds)

    def refused(self, reason: str, count: int = 1) -> None:
        """Scoring requests were refused."""
        self._refusals.labels(reason).inc(count)

    def turned_away(self, route: str, count: int) -> None:
        """Requests of this route were refused with 503 before anything was looked at."""
        self.refused("overloaded", count)
        self._requests.labels(route, "503").inc(count)

    def batches(self) -> "BatchMetrics":
        """Metrics of a batcher; a server without one does not show them. To be called once."""
        return BatchMetrics(self._registry)

    def model_loaded(self, model: ModelInfo, backend: BackendInfo) -> None:
        """Show which model is served."""
        self._model.labels(
            model.type,
            model.name,
            model.digest,
            model.weights,
            backend.name,
            backend.precision,
            backend.device,
        ).set(1)

    def render(self) -> bytes:
        """All metrics in Prometheus's text format."""
        if MULTIPROCESS_VARIABLE in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library annotates in part
            return generate_latest(registry)
        return generate_latest(self._registry)


class BatchMetrics:
    """A batcher's metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._depth = Gauge(
            "scoring_queue_depth",
            "Items that wait for a batch.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._size = Histogram(
            "scoring_batch_size",
            "Items computed at once.",
            buckets=_BATCH_SIZES,
            registry=registry,
        )
        self._seconds = Histogram(
            "scoring_inference_duration_seconds",
            "Time that the model took for a batch.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._expired = Counter(
            "scoring_expired_items_total",
            "Items dropped from the queue, because nobody waits for them any more.",
            registry=registry,
        )
        self._largest = Gauge(
            "scoring_max_batch_size",
            "The most items that are computed at once.",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._rates = Gauge(
            "scoring_calibration_items_per_second",
            "What the model computed when it was loaded, by batch size.",
            ["batch_size"],
            registry=registry,
            multiprocess_mode="livemax",
        )

    def calibrated(self, batch: BatchInfo) -> None:
        """The batch size was chosen."""
        self._largest.set(batch.size)
        for size, rate in batch.rates.items():
            self._rates.labels(size).set(rate)

    def items_wait(self, count: int) -> None:
        """So many items wait for a batch now."""
        self._depth.set(count)

    def batch_computed(self, size: int, seconds: float) -> None:
        """The batcher computed `size` items in `seconds`."""
        self._size.observe(size)
        self._seconds.observe(seconds)

    def item_expired(self) -> None:
        """The batcher dropped an item whose deadline had passed."""
        self._expired.inc()

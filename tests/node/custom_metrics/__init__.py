"""A stand-in for prometheus-adapter: custom and external metrics APIs that answer from the pods."""

from tests.node.custom_metrics.registration import registered
from tests.node.custom_metrics.server import EXTERNAL_METRIC, MetricsServer

__all__ = ["EXTERNAL_METRIC", "MetricsServer", "registered"]

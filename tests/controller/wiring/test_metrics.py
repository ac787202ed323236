"""The metrics' text."""

from scoring_operator.wiring.metrics import Metrics


def lines(metrics: Metrics) -> list[str]:
    return metrics.render().decode().splitlines()


def test_looks_requests_queue_and_resources_are_counted() -> None:
    metrics = Metrics(
        queue_depth=lambda: 7,
        leads=lambda: True,
        reasons=lambda: ["ImagePullFailed", "ImagePullFailed", ""],
    )
    metrics.look("success", 0.02)
    metrics.look("error", 2.0)
    metrics.request("apply", "deployments", 201, 0.01)
    metrics.request("watch", "pods", 200, 0.01)
    text = lines(metrics)
    assert 'scoring_operator_reconcile_total{result="success"} 1.0' in text
    assert 'scoring_operator_reconcile_total{result="error"} 1.0' in text
    assert 'scoring_operator_reconcile_seconds_bucket{le="0.025"} 1.0' in text
    assert (
        'scoring_operator_api_requests_total{code="201",resource="deployments",verb="apply"} 1.0'
        in text
    )
    assert not any('request_seconds_count{verb="watch"}' in line for line in text)
    assert "scoring_operator_queue_depth 7.0" in text
    assert "scoring_operator_leader 1.0" in text
    assert 'scoring_operator_resources{reason="ImagePullFailed"} 2.0' in text
    assert 'scoring_operator_resources{reason="Unknown"} 1.0' in text


def test_two_processes_in_one_interpreter_do_not_share_metrics() -> None:
    first, second = (
        Metrics(queue_depth=lambda: 0, leads=lambda: False, reasons=list) for _ in range(2)
    )
    first.look("success", 0.1)
    assert 'scoring_operator_reconcile_total{result="success"} 1.0' in lines(first)
    assert 'scoring_operator_reconcile_total{result="success"} 1.0' not in lines(second)

"""What a ScoringService may say, and how it is told what is wrong."""

from typing import Any

import pytest

from scoring_operator.api import InvalidResource, ScoringService
from tests.controller.api.invalid_specs import INVALID, Invalid, name_of
from tests.controller.builders import IMAGE_CPU, resource, service


def test_the_smallest_spec_gets_the_documented_defaults() -> None:
    spec = service().spec
    assert (spec.hardware.type, spec.desired_replicas, spec.suspend) == ("cpu", 1, False)
    assert (spec.service.type, spec.service.port) == ("ClusterIP", 80)
    assert (spec.startup.timeout_seconds, spec.rollout.drain_seconds) == (300, 15)


def test_suspend_wants_no_pods_and_keeps_the_replicas() -> None:
    spec = service({"replicas": 3, "suspend": True}).spec
    assert (spec.desired_replicas, spec.replicas) == (0, 3)


def test_while_autoscaling_the_number_of_pods_is_not_the_specs_to_say() -> None:
    spec = service({"autoscaling": {"minReplicas": 2, "maxReplicas": 4}}).spec
    assert (spec.desired_replicas, spec.fewest_replicas) == (None, 2)
    assert spec.autoscaling is not None
    (metric,) = spec.autoscaling.effective_metrics
    assert (metric.type, metric.average_utilization) == ("CPU", 70)


def test_suspend_wins_over_autoscaling() -> None:
    spec = service({"autoscaling": {"maxReplicas": 4}, "suspend": True}).spec
    assert (spec.desired_replicas, spec.fewest_replicas, spec.scaler) == (0, 0, None)


@pytest.mark.parametrize(
    ("exposure", "url"),
    [
        ({}, "http://faq.example.com/score"),
        ({"tls": {"secretName": "t"}, "path": "/a/b/"}, "https://faq.example.com/a/b/score"),
        (
            {"api": "Gateway", "gateway": {"parentRef": {"name": "public"}}},
            "https://faq.example.com/score",
        ),
    ],
)
def test_the_address_from_outside(exposure: dict[str, Any], url: str) -> None:
    spec = service({"exposure": {"host": "faq.example.com", **exposure}}).spec
    assert spec.exposure is not None
    assert spec.exposure.url == url


def test_a_whole_number_of_cpus_may_be_written_as_a_number() -> None:
    requests = service({"resources": {"requests": {"cpu": 2}}}).spec.resources.requests
    assert requests is not None
    assert requests.cpu == "2"


@pytest.mark.parametrize("row", INVALID, ids=name_of)
def test_a_fault_is_named_with_its_path(row: Invalid) -> None:
    with pytest.raises(InvalidResource) as raised:
        ScoringService.parse(resource(row.spec))
    assert row.parser in str(raised.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InvalidResource) as raised:
        service({"replicas": -1, "image": ""})
    assert "spec.replicas" in str(raised.value)
    assert "spec.image" in str(raised.value)


def test_python_names_are_refused_as_the_api_server_refuses_them() -> None:
    with pytest.raises(InvalidResource, match=r"spec\.pod_template: unknown field"):
        service({"pod_template": {}})


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidResource, match="at most 40 characters"):
        service(name="x" * 41)


def test_another_kind_is_refused() -> None:
    with pytest.raises(InvalidResource, match=r"expected apiVersion scoring\.dev/v1alpha1"):
        ScoringService.parse({**resource(), "kind": "Deployment"})


def test_a_service_for_images_on_cpu_is_valid() -> None:
    assert service(IMAGE_CPU).spec.model.type == "image-classification"

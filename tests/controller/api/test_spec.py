"""What a ScoringService may say, and how it is told what is wrong."""

from typing import Any

import pytest

from scoring_operator.api import InvalidResource, ScoringService
from tests.controller.builders import IMAGE_CPU, IMAGE_GPU, resource, service

SHA = "ab" * 32


def test_the_smallest_spec_gets_the_documented_defaults() -> None:
    spec = service().spec
    assert (spec.hardware.type, spec.desired_replicas, spec.suspend) == ("cpu", 1, False)
    assert (spec.service.type, spec.service.port) == ("ClusterIP", 80)
    assert (spec.startup.timeout_seconds, spec.rollout.drain_seconds) == (300, 15)


def test_suspend_wants_no_pods_and_keeps_the_replicas() -> None:
    spec = service({"replicas": 3, "suspend": True}).spec
    assert (spec.desired_replicas, spec.replicas) == (0, 3)


def test_a_whole_number_of_cpus_may_be_written_as_a_number() -> None:
    requests = service({"resources": {"requests": {"cpu": 2}}}).spec.resources.requests
    assert requests is not None
    assert requests.cpu == "2"


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"modle": {}}, "spec.modle: unknown field"),
    ({"model": {}}, "spec.model.type: required"),
    ({"model": {"type": "llm"}}, "spec.model.type: Input should be 'faq-matching' or"),
    ({"model": None}, "spec.model: Input should be"),
    ({"replicas": "3"}, "spec.replicas: Input should be a valid integer"),
    ({"replicas": -1}, "spec.replicas: Input should be greater than or equal to 0"),
    ({"replicas": True}, "spec.replicas: Input should be a valid integer"),
    ({"hardware": {"gpu": {"count": 1}}}, "gpu settings need hardware.type: gpu"),
    ({"hardware": {"type": "gpu"}}, "faq-matching runs on CPU"),
    ({**IMAGE_GPU, "hardware": {"type": "gpu", "gpu": {"count": 0}}}, "spec.hardware.gpu.count"),
    (
        {**IMAGE_GPU, "hardware": {"type": "gpu", "gpu": {"resourceName": "gpu"}}},
        "spec.hardware.gpu.resourceName",
    ),
    ({"image": "has space"}, "spec.image"),
    ({"resources": {"requests": {"cpu": "1.5Gi"}}}, "spec.resources.requests.cpu"),
    ({"resources": {"requests": {"memory": "4GB"}}}, "spec.resources.requests.memory"),
    (
        {"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1500m"}}},
        "the cpu request must not exceed the cpu limit",
    ),
    (
        {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "2G"}}},
        "the memory request must not exceed the memory limit",
    ),
    (
        {"rollout": {"progressDeadlineSeconds": 200}},
        "rollout.progressDeadlineSeconds (900 unless set) must exceed",
    ),
    ({"service": {"port": 0}}, "spec.service.port"),
    ({"podTemplate": {"labels": {"scoring.dev/name": "x"}}}, "labels and annotations of the"),
    ({"podTemplate": {"labels": {"a b": "x"}}}, "is not a valid key"),
    (
        {"podTemplate": {"env": [{"name": "SCORING_PORT", "value": "1"}]}},
        "SCORING_* and NVIDIA_VISIBLE_DEVICES are set by the operator",
    ),
    (
        {"podTemplate": {"env": [{"name": "A", "value": "1", "valueFrom": {
            "secretKeyRef": {"name": "s", "key": "k"}}}]}},
        "at most one of value and valueFrom",
    ),
    (
        {"podTemplate": {"env": [{"name": "A", "valueFrom": {}}]}},
        "exactly one of secretKeyRef and configMapKeyRef",
    ),
    (
        {"podTemplate": {"tolerations": [{"operator": "Equal", "value": "x"}]}},
        "a toleration without a key needs operator Exists",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "message"), INVALID, ids=[message for _, message in INVALID])
def test_a_fault_is_named_with_its_path(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidResource) as raised:
        ScoringService.parse(resource(spec))
    assert message in str(raised.value)


INVALID_SOURCES: list[tuple[dict[str, Any], str]] = [
    ({"url": "https://models.example.com/faq.tar"}, "url and sha256 go together"),
    ({"sha256": SHA}, "url and sha256 go together"),
    ({"url": "ftp://models.example.com/faq.tar", "sha256": SHA}, "spec.model.source.url"),
    ({"url": "https://u:p@models.example.com/f", "sha256": SHA}, "spec.model.source.url"),
    ({"url": "https://models.example.com/f", "sha256": SHA.upper()}, "spec.model.source.sha256"),
    (
        {"image": {"reference": "a"}, "persistentVolumeClaim": {"claimName": "b"}},
        "give at most one of persistentVolumeClaim, image and url",
    ),
    ({"persistentVolumeClaim": {"claimName": "b", "path": "../x"}}, "persistentVolumeClaim.path"),
    ({"persistentVolumeClaim": {"claimName": "b", "path": "/x"}}, "persistentVolumeClaim.path"),
]


@pytest.mark.parametrize(("source", "message"), INVALID_SOURCES)
def test_a_faulty_model_source_is_named(source: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidResource) as raised:
        service({"model": {"type": "faq-matching", "source": source}})
    assert message in str(raised.value)


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

"""Every field of the spec reaches the child that it should, and nothing else changes."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from scoring_operator.api import ScoringService
from scoring_operator.api.spec import ScoringServiceSpec
from scoring_operator.manifests import CHILD_KINDS, Platform, render
from tests.controller.builders import IMAGE_CPU, IMAGE_GPU, resource, service

PLATFORM = Platform(cpu_image="example.com/cpu:1", gpu_image="example.com/gpu:1")


def rendered(
    spec: Mapping[str, Any] | None = None, platform: Platform = PLATFORM
) -> dict[str, Any]:
    return {child["kind"]: child for child in render(service(spec), platform)}


def template(spec: Mapping[str, Any] | None = None, platform: Platform = PLATFORM) -> Any:
    return rendered(spec, platform)["Deployment"]["spec"]["template"]


def pod(spec: Mapping[str, Any] | None = None) -> Any:
    return template(spec)["spec"]


def container(spec: Mapping[str, Any] | None = None) -> Any:
    return pod(spec)["containers"][0]


def env(spec: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {
        item["name"]: item.get("value", item.get("valueFrom")) for item in container(spec)["env"]
    }


def source(value: Mapping[str, Any]) -> dict[str, Any]:
    return {"model": {"type": "faq-matching", "source": value}}


def test_only_known_kinds_are_rendered_each_with_a_controller_owner() -> None:
    known = {(kind.api_version, kind.kind) for kind in CHILD_KINDS}
    for child in render(service(), PLATFORM):
        assert (child["apiVersion"], child["kind"]) in known
        (owner,) = child["metadata"]["ownerReferences"]
        assert owner["uid"] == "0a1b"
        assert owner["controller"] is True


def test_the_owners_labels_and_annotations_are_not_copied() -> None:
    tracked = resource()
    tracked["metadata"]["labels"] = {"kustomize.toolkit.fluxcd.io/name": "x"}
    tracked["metadata"]["annotations"] = {"argocd.argoproj.io/tracking-id": "y"}
    text = yaml.safe_dump_all(render(ScoringService.parse(tracked), PLATFORM))
    assert "fluxcd" not in text
    assert "argocd" not in text


def test_nothing_rendered_is_empty() -> None:
    def check(value: Any, path: str) -> None:
        assert value not in (None, {}, []), path
        if isinstance(value, dict):
            for key, item in value.items():
                check(item, f"{path}.{key}")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                check(item, f"{path}[{index}]")

    for child in render(service(IMAGE_GPU), PLATFORM):
        check(child, child["kind"])


# One row per leaf of the spec: (leaf, spec, what a look at the manifests finds, what it should be).
LEAVES: list[tuple[str, Mapping[str, Any], Any, Any]] = [
    ("model.type", {}, lambda s: env(s)["SCORING_MODEL_TYPE"], "faq-matching"),
    ("model.type", IMAGE_CPU, lambda s: env(s)["SCORING_MODEL_TYPE"], "image-classification"),
    (
        "model.source.persistentVolumeClaim.claimName",
        source({"persistentVolumeClaim": {"claimName": "models"}}),
        lambda s: pod(s)["volumes"][1]["persistentVolumeClaim"],
        {"claimName": "models", "readOnly": True},
    ),
    (
        "model.source.persistentVolumeClaim.path",
        source({"persistentVolumeClaim": {"claimName": "models", "path": "faq/v2"}}),
        lambda s: env(s)["SCORING_MODEL_PATH"],
        "/models/faq/v2",
    ),
    (
        "model.source.image.reference",
        source({"image": {"reference": "example.com/model:1"}}),
        lambda s: pod(s)["volumes"][1]["image"],
        {"reference": "example.com/model:1", "pullPolicy": "IfNotPresent"},
    ),
    (
        "model.source.image.pullPolicy",
        source({"image": {"reference": "example.com/model:1", "pullPolicy": "Never"}}),
        lambda s: pod(s)["volumes"][1]["image"]["pullPolicy"],
        "Never",
    ),
    (
        "model.source.url",
        source({"url": "https://example.com/m.tar", "sha256": "ab" * 32}),
        lambda s: pod(s)["initContainers"][0]["command"][:3],
        ["scoring-fetch", "--url", "https://example.com/m.tar"],
    ),
    (
        "model.source.sha256",
        source({"url": "https://example.com/m.tar", "sha256": "ab" * 32}),
        lambda s: pod(s)["initContainers"][0]["command"][3:5],
        ["--sha256", "ab" * 32],
    ),
    ("image", {"image": "x.io/a:2"}, lambda s: container(s)["image"], "x.io/a:2"),
    (
        "imagePullSecrets[].name",
        {"imagePullSecrets": [{"name": "regcred"}]},
        lambda s: pod(s)["imagePullSecrets"],
        [{"name": "regcred"}],
    ),
    ("hardware.type", IMAGE_GPU, lambda s: env(s)["SCORING_DEVICE"], "gpu"),
    (
        "hardware.gpu.count",
        {**IMAGE_GPU, "hardware": {"type": "gpu", "gpu": {"count": 2}}},
        lambda s: container(s)["resources"]["limits"]["nvidia.com/gpu"],
        "2",
    ),
    (
        "hardware.gpu.resourceName",
        {
            **IMAGE_GPU,
            "hardware": {"type": "gpu", "gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
        },
        lambda s: (
            container(s)["resources"]["requests"]["nvidia.com/mig-1g.5gb"],
            pod(s)["tolerations"][-1]["key"],
        ),
        ("1", "nvidia.com/mig-1g.5gb"),
    ),
    (
        "hardware.gpu.nodeSelector",
        {**IMAGE_GPU, "hardware": {"type": "gpu", "gpu": {"nodeSelector": {"gpu": "h100"}}}},
        lambda s: pod(s)["nodeSelector"],
        {"gpu": "h100"},
    ),
    (
        "resources.requests.cpu",
        {"resources": {"requests": {"cpu": "2.5"}}},
        lambda s: (container(s)["resources"]["requests"]["cpu"], env(s)["SCORING_CPUS"]),
        ("2500m", "2.5"),
    ),
    (
        "resources.requests.memory",
        {"resources": {"requests": {"memory": "1024Mi"}}},
        lambda s: container(s)["resources"]["requests"]["memory"],
        "1Gi",
    ),
    (
        "resources.limits.cpu",
        {"resources": {"limits": {"cpu": "3"}}},
        lambda s: (
            container(s)["resources"]["limits"]["cpu"],
            env(s)["SCORING_CPUS"],
            env(s)["SCORING_WORKERS"],
        ),
        ("3", "3", "3"),
    ),
    (
        "resources.limits.memory",
        {"resources": {"limits": {"memory": "300Mi"}}},
        lambda s: container(s)["resources"]["limits"]["memory"],
        "300Mi",
    ),
    ("replicas", {"replicas": 4}, lambda s: rendered(s)["Deployment"]["spec"]["replicas"], 4),
    ("replicas", {"replicas": 0}, lambda s: rendered(s)["Deployment"]["spec"]["replicas"], 0),
    (
        "startup.timeoutSeconds",
        {"startup": {"timeoutSeconds": 61}},
        lambda s: (
            container(s)["startupProbe"]["periodSeconds"]
            * container(s)["startupProbe"]["failureThreshold"]
        ),
        62,
    ),
    (
        "rollout.strategy",
        {"rollout": {"strategy": "InPlace"}},
        lambda s: rendered(s)["Deployment"]["spec"]["strategy"]["rollingUpdate"],
        {"maxSurge": 0, "maxUnavailable": 1},
    ),
    (
        "rollout.drainSeconds",
        {"rollout": {"drainSeconds": 40}},
        lambda s: (
            container(s)["lifecycle"]["preStop"]["sleep"]["seconds"],
            pod(s)["terminationGracePeriodSeconds"],
        ),
        (40, 75),
    ),
    (
        "rollout.progressDeadlineSeconds",
        {"rollout": {"progressDeadlineSeconds": 400}},
        lambda s: rendered(s)["Deployment"]["spec"]["progressDeadlineSeconds"],
        400,
    ),
    (
        "service.type",
        {"service": {"type": "NodePort"}},
        lambda s: rendered(s)["Service"]["spec"]["type"],
        "NodePort",
    ),
    (
        "service.port",
        {"service": {"port": 8000}},
        lambda s: rendered(s)["Service"]["spec"]["ports"][0]["port"],
        8000,
    ),
    (
        "service.annotations",
        {"service": {"annotations": {"a/b": "c"}}},
        lambda s: rendered(s)["Service"]["metadata"]["annotations"],
        {"a/b": "c"},
    ),
    (
        "podTemplate.labels",
        {"podTemplate": {"labels": {"team": "ml"}}},
        lambda s: template(s)["metadata"]["labels"]["team"],
        "ml",
    ),
    (
        "podTemplate.annotations",
        {"podTemplate": {"annotations": {"a/b": "c"}}},
        lambda s: template(s)["metadata"]["annotations"],
        {"a/b": "c"},
    ),
    (
        "podTemplate.env[].name",
        {"podTemplate": {"env": [{"name": "A", "value": "1"}]}},
        lambda s: env(s)["A"],
        "1",
    ),
    (
        "podTemplate.env[].value",
        {"podTemplate": {"env": [{"name": "A", "value": "1"}]}},
        lambda s: env(s)["A"],
        "1",
    ),
    (
        "podTemplate.nodeSelector",
        {"podTemplate": {"nodeSelector": {"pool": "a"}}},
        lambda s: pod(s)["nodeSelector"],
        {"pool": "a"},
    ),
    (
        "podTemplate.priorityClassName",
        {"podTemplate": {"priorityClassName": "high"}},
        lambda s: pod(s)["priorityClassName"],
        "high",
    ),
    (
        "podTemplate.runtimeClassName",
        {"podTemplate": {"runtimeClassName": "nvidia"}},
        lambda s: pod(s)["runtimeClassName"],
        "nvidia",
    ),
    (
        "podTemplate.serviceAccountName",
        {"podTemplate": {"serviceAccountName": "scorer"}},
        lambda s: (pod(s)["serviceAccountName"], pod(s)["automountServiceAccountToken"]),
        ("scorer", False),
    ),
    (
        "suspend",
        {"replicas": 4, "suspend": True},
        lambda s: rendered(s)["Deployment"]["spec"]["replicas"],
        0,
    ),
]

_SECRET_KEY = {"name": "s", "key": "k", "optional": True}
for _reference in ("secretKeyRef", "configMapKeyRef"):
    _spec = {"podTemplate": {"env": [{"name": "A", "valueFrom": {_reference: _SECRET_KEY}}]}}
    LEAVES += [
        (
            f"podTemplate.env[].valueFrom.{_reference}.{_leaf}",
            _spec,
            lambda s, reference=_reference, leaf=_leaf: env(s)["A"][reference][leaf],
            _SECRET_KEY[_leaf],
        )
        for _leaf in _SECRET_KEY
    ]

_TOLERATION = {
    "key": "a",
    "operator": "Equal",
    "value": "b",
    "effect": "NoExecute",
    "tolerationSeconds": 5,
}
LEAVES += [
    (
        f"podTemplate.tolerations[].{_leaf}",
        {"podTemplate": {"tolerations": [_TOLERATION]}},
        lambda s, leaf=_leaf: pod(s)["tolerations"][0][leaf],
        _TOLERATION[_leaf],
    )
    for _leaf in _TOLERATION
]


@pytest.mark.parametrize(
    ("spec", "look", "expected"),
    [row[1:] for row in LEAVES],
    ids=[row[0] for row in LEAVES],
)
def test_a_leaf_of_the_spec_reaches_its_child(
    spec: Mapping[str, Any], look: Any, expected: Any
) -> None:
    assert look(spec) == expected


def _leaves(schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> set[str]:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    for option in schema.get("anyOf", ()):
        if option != {"type": "null"} and "x-kubernetes-int-or-string" not in schema:
            return _leaves(option, definitions, path)
    if "properties" in schema:
        return {
            leaf
            for name, child in schema["properties"].items()
            for leaf in _leaves(child, definitions, f"{path}.{name}" if path else name)
        }
    if "items" in schema and "$ref" in schema["items"]:
        return _leaves(schema["items"], definitions, f"{path}[]")
    return {path}


def test_every_leaf_of_the_spec_has_a_row() -> None:
    schema = ScoringServiceSpec.model_json_schema()
    leaves = _leaves(schema, schema["$defs"], "")
    affinity = {leaf for leaf in leaves if leaf.startswith("podTemplate.affinity.")}
    assert affinity, "affinity has a test of its own, which passes it through whole"
    assert leaves - affinity == {row[0] for row in LEAVES}


def test_affinity_reaches_the_pods_as_it_was_written() -> None:
    affinity = {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 5,
                    "podAffinityTerm": {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"a": "b"}},
                        # Empty selects every namespace, absent selects the pod's own.
                        "namespaceSelector": {},
                    },
                }
            ]
        }
    }
    assert pod({"podTemplate": {"affinity": affinity}})["affinity"] == affinity


def test_the_image_follows_the_hardware_unless_it_is_named() -> None:
    assert container()["image"] == "example.com/cpu:1"
    assert container(IMAGE_GPU)["image"] == "example.com/gpu:1"


def test_pull_secrets_of_the_service_and_the_platform_are_joined_once() -> None:
    platform = Platform(image_pull_secrets=("regcred", "shared"))
    found = template({"imagePullSecrets": [{"name": "regcred"}]}, platform)
    assert found["spec"]["imagePullSecrets"] == [{"name": "regcred"}, {"name": "shared"}]


def test_cpu_pods_see_no_gpu_and_gpu_pods_ask_for_whole_ones() -> None:
    assert env()["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert "NVIDIA_VISIBLE_DEVICES" not in env(IMAGE_GPU)
    resources = container(IMAGE_GPU)["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"
    assert not any("gpu" in key for key in container()["resources"]["limits"])


def test_rollouts_surge_on_cpu_and_go_in_place_on_gpu() -> None:
    def rolling(spec: Mapping[str, Any]) -> Any:
        return rendered(spec)["Deployment"]["spec"]["strategy"]["rollingUpdate"]

    assert rolling({}) == {"maxSurge": 1, "maxUnavailable": 0}
    assert rolling(IMAGE_GPU) == {"maxSurge": 0, "maxUnavailable": 1}
    assert rolling({**IMAGE_GPU, "rollout": {"strategy": "Surge"}})["maxSurge"] == 1


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}}),
        (
            {"requests": {"memory": "1Gi"}},
            {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        ),
        (
            {"limits": {"memory": "256Mi", "cpu": "250m"}},
            {
                "requests": {"cpu": "250m", "memory": "256Mi"},
                "limits": {"cpu": "250m", "memory": "256Mi"},
            },
        ),
    ],
)
def test_default_resources_never_contradict_the_users(
    resources: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert container({"resources": resources})["resources"] == expected


def test_pods_are_restricted_with_every_container() -> None:
    spec = pod(source({"url": "https://example.com/m.tar", "sha256": "ab" * 32}))
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for item in (*spec["containers"], *spec["initContainers"]):
        security = item["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True


def test_probes_name_no_host() -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert "host" not in container()[probe]["httpGet"]


def test_only_the_fetching_container_may_write_the_model() -> None:
    spec = source({"url": "https://example.com/m.tar", "sha256": "ab" * 32})
    (init,) = pod(spec)["initContainers"]
    assert {"name": "model", "mountPath": "/models"} in init["volumeMounts"]
    assert {"name": "model", "mountPath": "/models", "readOnly": True} in container(spec)[
        "volumeMounts"
    ]


def test_without_drain_there_is_no_pre_stop_hook() -> None:
    assert "lifecycle" not in container({"rollout": {"drainSeconds": 0}})


def test_rendering_changes_nothing_it_was_given() -> None:
    given = service({"podTemplate": {"labels": {"a": "b"}}})
    assert render(given, PLATFORM) == render(given, PLATFORM)

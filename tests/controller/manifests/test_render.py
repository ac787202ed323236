"""Every field of the spec reaches the child that it should, and nothing else changes."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from scoring_operator.api import ScoringService
from scoring_operator.api.spec import ScoringServiceSpec
from scoring_operator.manifests import CHILD_KINDS, Platform, render
from tests.controller.builders import IMAGE_CPU, IMAGE_GPU, resource, service
from tests.controller.manifests.leaves import ROWS, Row, by_kind
from tests.controller.manifests.leaves.pods import AFFINITY

AFFINITY_LEAF = "podTemplate.affinity"
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


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_leaf_of_the_spec_reaches_its_child(row: Row) -> None:
    assert row.look(by_kind(render(service(row.spec), PLATFORM), "faq")) == row.expected


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
    affinity = {leaf for leaf in leaves if leaf.startswith(AFFINITY_LEAF)}
    assert affinity <= _paths(AFFINITY, AFFINITY_LEAF), "the row of affinity has all of it"
    assert leaves - affinity | {AFFINITY_LEAF} == {row.leaf for row in ROWS}


def _paths(value: Any, path: str) -> set[str]:
    """The path of everything in a value, in the notation of `_leaves`."""
    found = {path}
    if isinstance(value, dict):
        for key, item in value.items():
            found |= _paths(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            found |= _paths(item, f"{path}[]")
    return found


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


def test_an_autoscaled_deployment_says_no_replicas_and_comes_before_what_scales_it() -> None:
    scaled = {"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}
    kinds = [child["kind"] for child in render(service(scaled), PLATFORM)]
    assert kinds.index("Deployment") < kinds.index("HorizontalPodAutoscaler")
    assert "replicas" not in rendered(scaled)["Deployment"]["spec"]
    target = rendered(scaled)["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "faq"}


def test_of_several_metrics_each_is_kept_in_its_place() -> None:
    metrics = [
        {"type": "Requests", "averageValue": "4"},
        {"type": "CPU", "averageUtilization": 70},
        {"type": "External", "name": "queue", "value": "1"},
    ]
    found = rendered({"autoscaling": {"maxReplicas": 6, "metrics": metrics}})
    types = [item["type"] for item in found["HorizontalPodAutoscaler"]["spec"]["metrics"]]
    assert types == ["Pods", "Resource", "External"]


@pytest.mark.parametrize(
    ("spec", "guarded"),
    [
        ({}, False),
        ({"replicas": 1}, False),
        ({"replicas": 2}, True),
        ({"replicas": 2, "suspend": True}, False),
        ({"autoscaling": {"maxReplicas": 6}}, False),
        ({"autoscaling": {"minReplicas": 2, "maxReplicas": 6}}, True),
    ],
)
def test_a_budget_needs_two_pods_at_least(spec: Mapping[str, Any], guarded: bool) -> None:
    assert ("PodDisruptionBudget" in rendered(spec)) is guarded


@pytest.mark.parametrize(
    "spec", [{"replicas": 2}, {"suspend": True}, {"autoscaling": {"maxReplicas": 6}}]
)
def test_the_number_of_pods_is_not_in_their_template(spec: Mapping[str, Any]) -> None:
    assert template(spec) == template()


def test_without_peers_everyone_may_call_the_serving_port_and_no_other() -> None:
    policy = rendered()["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"ports": [{"port": 8080, "protocol": "TCP"}]}]
    dns = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    assert policy["egress"] == [{"ports": dns}]


@pytest.mark.parametrize(
    ("url", "port", "namespace"),
    [
        ("https://example.com/m.tar", 443, None),
        ("http://example.com/m.tar", 80, None),
        ("http://example.com:8000/m.tar", 8000, None),
        ("http://[fd00::1]:9000/m.tar", 9000, None),
        ("http://files/m.tar", 80, "ml"),
        ("http://files.store.svc/m.tar", 80, "store"),
        ("https://files.store.svc.cluster.local:8443/m.tar", 8443, "store"),
    ],
)
def test_the_download_may_leave_also_where_a_service_has_another_port_than_its_pods(
    url: str, port: int, namespace: str | None
) -> None:
    spec = source({"url": url, "sha256": "ab" * 32})
    opened = rendered(spec)["NetworkPolicy"]["spec"]["egress"][1:]
    assert opened[0] == {"ports": [{"port": port, "protocol": "TCP"}]}
    labels = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    assert opened[1:] == ([{"to": [{"namespaceSelector": labels}]}] if namespace else [])


@pytest.mark.parametrize(
    ("spec", "workers", "threads"),
    [
        ({}, "1", "32"),
        ({"resources": {"requests": {"cpu": "3500m"}}}, "3", "32"),
        ({"resources": {"requests": {"cpu": "96"}}}, "8", "32"),
        ({"server": {"workers": 12, "threads": 4}}, "12", "4"),
        ({"server": {"workers": 12}, "requestLimits": {"maxConcurrency": 5}}, "5", "32"),
        (IMAGE_CPU, "1", "80"),
        ({**IMAGE_CPU, "server": {"workers": 2, "threads": 40}}, "2", "40"),
        (IMAGE_GPU, "2", "80"),
        ({**IMAGE_GPU, "resources": {"requests": {"cpu": "48"}}}, "16", "80"),
    ],
)
def test_workers_and_threads_are_what_the_spec_says_or_follow_the_cpus(
    spec: Mapping[str, Any], workers: str, threads: str
) -> None:
    assert (env(spec)["SCORING_WORKERS"], env(spec)["SCORING_THREADS"]) == (workers, threads)


def test_what_is_automatic_is_left_to_the_server() -> None:
    for name in ("MAX_BATCH_SIZE", "MAX_BATCH_DELAY_MILLISECONDS", "MAX_CONCURRENCY"):
        assert f"SCORING_{name}" not in env()
    assert "SCORING_API_KEYS_DIR" not in env()
    assert "SCORING_PATH_PREFIX" not in env()


def test_only_the_scoring_container_sees_the_api_keys_and_only_as_files() -> None:
    download = source({"url": "https://example.com/m.tar", "sha256": "ab" * 32})
    found = pod({**download, "auth": {"apiKeys": {"secretName": "keys"}}})
    mount = {"name": "api-keys", "mountPath": "/etc/scoring/api-keys", "readOnly": True}
    assert mount in found["containers"][0]["volumeMounts"]
    assert "api-keys" not in str(found["initContainers"])
    assert not any("valueFrom" in item for item in found["containers"][0]["env"])


def test_the_platforms_node_labels_and_tolerations_are_for_gpus_and_give_way_to_the_users() -> None:
    platform = Platform(
        gpu_node_selector={"accelerator": "any", "pool": "gpu"},
        gpu_tolerations=({"key": "spot", "operator": "Exists"},),
    )
    spec = {**IMAGE_GPU, "hardware": {"type": "gpu", "gpu": {"nodeSelector": {"pool": "h100"}}}}
    found = template(spec, platform)["spec"]
    assert found["nodeSelector"] == {"accelerator": "any", "pool": "h100"}
    assert [item["key"] for item in found["tolerations"]] == ["spot", "nvidia.com/gpu"]
    on_cpu = template({}, platform)["spec"]
    assert "nodeSelector" not in on_cpu
    assert "tolerations" not in on_cpu


def test_pod_monitors_have_the_platforms_labels_and_the_operators_own() -> None:
    platform = Platform(pod_monitor_labels={"release": "prometheus", "scoring.dev/name": "x"})
    found = rendered({}, platform)["PodMonitor"]
    assert found["metadata"]["labels"]["release"] == "prometheus"
    assert found["metadata"]["labels"]["scoring.dev/name"] == "faq"
    assert found["spec"]["selector"]["matchLabels"] == {"scoring.dev/name": "faq"}

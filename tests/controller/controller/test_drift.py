"""Does a live object still say what its manifest says?"""

import copy
from typing import Any

import pytest

from scoring_operator.controller.drift import difference, manifest_hash, stamp, without_strangers
from scoring_operator.manifests import Platform, render
from tests.controller.builders import IMAGE_GPU, service

WANTED: dict[str, Any] = {
    "metadata": {"labels": {"a": "1"}},
    "spec": {
        "replicas": 2,
        "paused": False,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "scoring",
                        "args": ["--x", "--y"],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        "ports": [{"containerPort": 8080, "name": "http"}],
                    }
                ],
                "tolerations": [{"key": "gpu", "operator": "Exists"}],
            }
        },
        "ports": [{"port": 80, "targetPort": "http", "protocol": "TCP"}],
        "selector": {"scoring.dev/name": "faq"},
    },
}


def live() -> dict[str, Any]:
    """What the API server makes of it: defaults, and what others have added."""
    found = copy.deepcopy(WANTED)
    container = found["spec"]["template"]["spec"]["containers"][0]
    container["ports"][0]["protocol"] = "TCP"
    container["env"] = [{"name": "Z", "value": "0"}, *reversed(container["env"])]
    found["spec"]["template"]["spec"]["containers"].insert(0, {"name": "sidecar"})
    found["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    found["spec"]["ports"][0]["nodePort"] = 30080
    found["metadata"]["labels"]["b"] = "2"
    return found


def test_defaults_and_fields_of_others_are_no_drift() -> None:
    assert difference(live(), WANTED) is None


CONTAINER = ("spec", "template", "spec", "containers", 1)


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        (("spec", "replicas"), 3, "spec.replicas"),
        (("spec", "replicas"), None, "spec.replicas"),
        (("spec", "replicas"), "2", "spec.replicas"),
        (("spec", "paused"), 0, "spec.paused"),
        (("metadata", "labels", "a"), "2", "metadata.labels.a"),
        (("metadata", "labels"), None, "metadata.labels"),
        ((*CONTAINER, "args"), ["--y", "--x"], "containers[scoring].args[0]"),
        ((*CONTAINER, "args"), ["--x", "--y", "--z"], "containers[scoring].args"),
        ((*CONTAINER, "env", 2, "value"), "9", "containers[scoring].env[A].value"),
        ((*CONTAINER, "name"), "renamed", "containers[scoring]"),
        ((*CONTAINER, "ports", 0, "containerPort"), 81, "ports[8080/TCP]"),
        (("spec", "ports", 0, "protocol"), "UDP", "spec.ports[80/TCP]"),
        (("spec", "template", "spec", "tolerations", 0, "key"), "cpu", "tolerations[0].key"),
        (("spec", "template"), [], "spec.template"),
        (("spec", "selector", "one-more"), "1", "spec.selector"),
    ],
)
def test_a_changed_field_is_named(path: tuple[Any, ...], value: Any, at: str) -> None:
    found = live()
    parent: Any = found
    for part in path[:-1]:
        parent = parent[part]
    if value is None:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    named = difference(found, WANTED)
    assert named is not None
    assert named.endswith(at)


def test_a_port_of_a_stranger_is_drift_and_is_taken_out() -> None:
    found = live()
    found["spec"]["ports"].append({"name": "more", "port": 9999, "protocol": "TCP"})
    assert difference(found, WANTED) == "spec.ports"
    assert without_strangers(found, WANTED) == live()


def test_an_edited_port_is_put_back_and_all_else_stays() -> None:
    found = live()
    container = found["spec"]["template"]["spec"]["containers"][1]
    container["ports"][0]["containerPort"] = 9999
    repaired = without_strangers(found, WANTED)
    assert difference(repaired, WANTED) is None
    names = [item["name"] for item in repaired["spec"]["template"]["spec"]["containers"]]
    assert names == ["sidecar", "scoring"]
    assert repaired["spec"]["ports"] == found["spec"]["ports"], "the node port stays"


@pytest.mark.parametrize(
    ("live", "wanted", "left"),
    [
        ({"minAvailable": 1}, {"maxUnavailable": 1}, {"maxUnavailable": 1}),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {}}}, {"name": "Z", "value": "0"}]},
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "A", "value": "1"}, {"name": "Z", "value": "0"}]},
        ),
        (
            {"volumes": [{"name": "tmp", "hostPath": {}}, {"name": "z", "secret": {}}]},
            {"volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}]},
            {
                "volumes": [
                    {"name": "tmp", "emptyDir": {"medium": "Memory"}},
                    {"name": "z", "secret": {}},
                ]
            },
        ),
        (
            {"livenessProbe": {"exec": {}, "periodSeconds": 10}},
            {"livenessProbe": {"httpGet": {"path": "/live"}}},
            {"livenessProbe": {"httpGet": {"path": "/live"}, "periodSeconds": 10}},
        ),
        ({"strategy": {"maxUnavailable": 1}}, {"strategy": {"maxUnavailable": 0}}, None),
    ],
    ids=["budget", "env", "volume", "probe", "no rival"],
)
def test_where_only_one_member_can_be_a_strangers_makes_room_for_ours(
    live: dict[str, Any], wanted: dict[str, Any], left: dict[str, Any] | None
) -> None:
    assert difference(live, wanted) is not None
    assert without_strangers(live, wanted) == (live if left is None else left)


def test_without_strangers_nothing_is_taken_out() -> None:
    assert without_strangers(live(), WANTED) == live()


def test_the_stamp_tells_manifests_and_owners_apart() -> None:
    first, *_ = render(service(), Platform())
    again, *_ = render(service(), Platform())
    other, *_ = render(service({"service": {"port": 81}}), Platform())
    assert stamp(first, "1") == stamp(again, "1")
    assert manifest_hash(stamp(first, "1")) != manifest_hash(stamp(other, "1"))
    assert difference(stamp(first, "1"), stamp(first, "2")) is not None
    assert "annotations" not in first["metadata"], "the manifest itself is left as it was"


def test_something_taken_out_of_the_manifest_is_noticed_by_the_hash() -> None:
    manifest, *_ = render(service(IMAGE_GPU), Platform())
    applied = stamp({**manifest, "spec": {**manifest["spec"], "extra": True}}, "1")
    assert difference(applied, stamp(manifest, "1")) is not None

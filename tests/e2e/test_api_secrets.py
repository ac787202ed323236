"""X4: canaries wherever a user may put a secret; none is in what the operator says, even at debug.

The children hold what they must, such as the environment of the pods: who may read those may know.
What the operator says - its log, Events, the status, metrics - goes to many more.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api, Object, condition, eventually
from tests.e2e.causes import policy
from tests.e2e.conftest import Launch
from tests.e2e.featured import featured
from tests.e2e.process import OperatorProcess, wait_for_quiet
from tests.e2e.resources import scoring_service
from tests.reliability.figures import record

pytestmark = pytest.mark.api

CANARY = "canary7c41e0b9d2"
URL = f"https://files.example.com/model.tar?signature={CANARY}#{CANARY}"


def with_canaries(resource: Object) -> Object:
    """The resource with a canary in each text that is free and may be a secret."""
    annotations = {"example.com/note": CANARY}
    resource["metadata"]["annotations"] = {
        **annotations,
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": CANARY}),
    }
    spec = resource["spec"]
    pods = spec.setdefault("podTemplate", {})
    pods["env"] = [*pods.get("env", []), {"name": "PASSWORD", "value": CANARY}]
    pods["annotations"] = annotations
    spec["service"] = {**spec.get("service", {}), "annotations": annotations}
    if "ingress" in spec.get("exposure", {}):
        spec["exposure"]["ingress"]["annotations"] = annotations
    if "url" in spec["model"].get("source", {}):
        spec["model"]["source"]["url"] = URL
    return resource


def create_secret(api: Api, namespace: str, name: str) -> None:
    metadata = {"name": name, "annotations": {"example.com/note": CANARY}}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    path = f"/api/v1/namespaces/{namespace}/secrets"
    api.request("POST", path, {**body, "stringData": {CANARY: CANARY}})


def credentials(kubeconfig: Path) -> Iterator[str]:
    """What the operator itself logs in with."""
    for user in yaml.safe_load(kubeconfig.read_text())["users"]:
        for name in ("token", "password", "client-key-data"):
            if name in user["user"]:
                yield user["user"][name]


def said(api: Api, namespace: str, operator: OperatorProcess) -> dict[str, str]:
    """All that the operator has said."""
    events = [
        api.request("GET", f"{root}/namespaces/{namespace}/events")
        for root in ("/api/v1", "/apis/events.k8s.io/v1")
    ]
    ours = [
        event
        for found in events
        for event in found["items"]
        if "scoring" in json.dumps([event.get("reportingController"), event.get("source")])
        or event.get("reportingComponent", "").startswith("scoring")
    ]
    statuses = [found.get("status") for found in api.list("ScoringService", namespace)]
    return {
        "log": operator.log.read_text(),
        "Events": json.dumps(ours),
        "statuses": json.dumps(statuses),
        "metrics": operator.get("/metrics")[1],
    }


def reason(api: Api, namespace: str, name: str) -> str:
    found = api.find("ScoringService", namespace, name)
    return str(condition(found, "Ready").get("reason", ""))


def test_no_canary_is_in_what_the_operator_says(
    api: Api, api_cluster: Cluster, namespace: str, launch: Launch
) -> None:
    create_secret(api, namespace, "keys")
    operator = launch(namespace, "--log-level", "debug")
    resources = [with_canaries(resource) for resource in featured(namespace)]
    for resource in resources:
        api.apply(resource)
    names = [resource["metadata"]["name"] for resource in resources]
    eventually(
        lambda: all(api.find("Deployment", namespace, name) for name in names), "they are served"
    )
    wait_for_quiet(operator)
    deployment = api.get("Deployment", namespace, names[1])
    assert CANARY in json.dumps(deployment), "the pods have none: the test would show nothing"
    # Repair of an edit, which is logged by its field.
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    env = [
        {**item, "value": f"{CANARY}-edited"} if item["name"] == "PASSWORD" else item
        for item in container["env"]
    ]
    pods = {"spec": {"containers": [{**container, "env": env}]}}
    api.patch("Deployment", namespace, names[1], {"spec": {"template": pods}})
    wait_for_quiet(operator)
    # A refusal, whose words the operator hands on.
    deny = policy("apps", "v1", "deployments", "false", "no more of them")
    with deny(api, namespace):
        api.apply(with_canaries(scoring_service(namespace, "denied")))
        eventually(lambda: reason(api, namespace, "denied") == "AdmissionDenied", "it is denied")
        # Events are posted in the background.
        eventually(lambda: "denied" in said(api, namespace, operator)["Events"], "an Event says so")
        wait_for_quiet(operator)
        places = said(api, namespace, operator)
    for name in names:
        api.delete("ScoringService", namespace, name)
    wait_for_quiet(operator)
    places["log to the end"] = operator.log.read_text()
    forms = {CANARY, base64.b64encode(CANARY.encode()).decode().rstrip("=")}
    for place, text in places.items():
        assert "denied" in text or place == "metrics", f"little in {place}"
        for form in (*forms, *credentials(api_cluster.kubeconfig)):
            assert form not in text, place
    record(
        "X4",
        "the operator, at debug level",
        f"environment, annotations, Secret, model URL of {len(names) + 1} resources, an edit, a "
        "refusal: 0 in its log, Events, status, metrics",
    )

"""Each reason that a cluster with simulated nodes can give is given for real, and clears by itself.

A service that serves meets a cause of trouble. The status names it, the pods that ran serve on, and
when the cause is gone the service is whole again without anyone touching it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from scoring_operator.status.failure import SECRET_GRACE
from tests.e2e import causes, crds
from tests.e2e.api import (
    MERGE,
    PATIENCE_SECONDS,
    Api,
    Object,
    Refused,
    condition,
    eventually,
)
from tests.e2e.causes import Cause
from tests.e2e.conftest import install_crd
from tests.e2e.resources import scoring_service
from tests.gitops.judges import argo_health, kstatus
from tests.reliability.figures import record

pytestmark = pytest.mark.api


class Watched:
    """A service that serves, and must not stop serving."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api, self.namespace = api, namespace

    def apply(self, spec: Mapping[str, Any]) -> None:
        self.api.apply(scoring_service(self.namespace, **spec))

    def seen(self) -> Object:
        """The resource as it is; fails if no pod serves."""
        resource = self.api.get("ScoringService", self.namespace, "faq")
        assert condition(resource, "Available").get("status") == "True", resource["status"]
        return resource

    def told(self, reason: str, seconds: float = PATIENCE_SECONDS) -> Object:
        """The resource once Ready, of the current generation, gives this reason."""

        def look() -> Object:
            resource = self.seen()
            ready = condition(resource, "Ready")
            current = ready.get("observedGeneration") == resource["metadata"]["generation"]
            return resource if current and ready["reason"] == reason else {}

        what = f"it is told: {reason}"
        try:
            return eventually(look, what, seconds, pause=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error} {condition(self.seen(), 'Ready')}") from None

    def serving_pods(self) -> set[str]:
        return {
            pod["metadata"]["name"]
            for pod in self.api.list("Pod", self.namespace)
            if pod["metadata"]["labels"]["scoring.dev/name"] == "faq"
            and condition(pod, "Ready").get("status") == "True"
            and "deletionTimestamp" not in pod["metadata"]
        }


@pytest.fixture
def watched(fake_api: Api, space: str) -> Watched:
    return Watched(fake_api, space)


def start(watched: Watched, spec: Mapping[str, Any]) -> set[str]:
    """Apply a good spec and wait until it serves; the names of its pods."""
    watched.apply(spec)

    def is_ready() -> bool:
        found = watched.api.find("ScoringService", watched.namespace, "faq")
        return condition(found, "Ready").get("status") == "True"

    eventually(is_ready, "it is ready", pause=0.1)
    return watched.serving_pods()


SMALL = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}}
ON_GPUS = {"model": {"type": "image-classification"}, "resources": SMALL, "replicas": 2}
ON_GPU = {**ON_GPUS, "hardware": {"type": "gpu"}}
ON_MIG = {**ON_GPUS, "hardware": {"type": "gpu", "gpu": {"resourceName": causes.MIG}}}
VOLUME = {"persistentVolumeClaim": {"claimName": "models", "path": "faq"}}
POD_POLICY = causes.policy("", "v1", "pods", "false", "no new pods today")
NO_LATEST = "object.spec.template.spec.containers.all(c, !c.image.endsWith(':latest'))"
DEPLOYMENT_POLICY = causes.policy("apps", "v1", "deployments", NO_LATEST, "no latest images")


@dataclass(frozen=True)
class Case:
    """A cause, the change of a good spec that meets it, and what is told.

    `{}` in the spec's texts stands for the namespace. A pod of an in-place roll-out stops before
    the new one is known to be in trouble; the others go on.
    """

    cause: Cause
    change: Mapping[str, Any]
    reason: str
    words: str
    stalled: bool = False
    good: Mapping[str, Any] = field(default_factory=dict)
    in_place: bool = False


CASES = {
    "quota": Case(causes.quota, {"replicas": 3}, "QuotaExceeded", "exceeded quota: small"),
    "a policy over pods": Case(POD_POLICY, {"replicas": 3}, "AdmissionDenied", "no new pods today"),
    "a policy over Deployments": Case(
        DEPLOYMENT_POLICY, {"image": "scoring:latest"}, "AdmissionDenied", "no latest images"
    ),
    "no PriorityClass": Case(
        causes.no_priority_class,
        {"podTemplate": {"priorityClassName": "{}"}},
        *("AdmissionDenied", "no PriorityClass with name"),
    ),
    "no MIG slice": Case(
        *(causes.no_mig, ON_MIG, "InsufficientAccelerators", f"Insufficient {causes.MIG}"),
        good=ON_GPU,
        in_place=True,
    ),
    "no node with the label": Case(
        causes.no_label,
        {"podTemplate": {"nodeSelector": {causes.NODE_LABEL: "{}"}}},
        *("Unschedulable", "didn't match Pod's node affinity/selector"),
    ),
    "no claim": Case(
        causes.no_claim,
        {"model": {"type": "faq-matching", "source": VOLUME}},
        *("Unschedulable", 'persistentvolumeclaim "models" not found'),
    ),
    "a foreign HorizontalPodAutoscaler": Case(
        causes.foreign_autoscaler,
        {"autoscaling": {"maxReplicas": 2}},
        *("NameConflict", "HorizontalPodAutoscaler faq"),
        stalled=True,
    ),
}
SHOWN: set[str] = set()
"""The cases that held, for the figure."""


def filled(value: Any, namespace: str) -> Any:
    """A spec's change with the namespace's name in place of `{}`."""
    if isinstance(value, Mapping):
        return {key: filled(part, namespace) for key, part in value.items()}
    return namespace if value == "{}" else value


@pytest.mark.parametrize("name", CASES)
def test_the_cause_is_told_what_serves_is_unharmed_and_it_clears_by_itself(
    name: str, watched: Watched
) -> None:
    case = CASES[name]
    pods = start(watched, case.good)
    with case.cause(watched.api, watched.namespace):
        watched.apply({**case.good, **filled(case.change, watched.namespace)})
        resource = watched.told(case.reason)
        assert case.words in condition(resource, "Ready")["message"]
        assert resource["status"]["lastFailure"]["reason"] == case.reason
        kind = "Stalled" if case.stalled else "Reconciling"
        assert condition(resource, kind)["reason"] == case.reason
        left = pods & watched.serving_pods()
        assert left if case.in_place else left == pods
    resource = watched.told("AllReplicasReady", 120)
    assert not condition(resource, "Stalled")
    assert not condition(resource, "Reconciling")
    SHOWN.add(name)
    figure = f"{len(SHOWN)} told in the server's words; the pods that serve live on; whole again"
    record("R3", "causes, on simulated nodes", figure)


def test_past_its_deadline_a_roll_out_is_stalled_for_every_tool_and_recovers(
    watched: Watched,
) -> None:
    quick = {"startup": {"timeoutSeconds": 10}, "rollout": {"progressDeadlineSeconds": 30}}
    pods = start(watched, quick)
    with causes.no_label(watched.api, watched.namespace):
        selector = {causes.NODE_LABEL: watched.namespace}
        watched.apply({**quick, "podTemplate": {"nodeSelector": selector}})
        resource = watched.told("Unschedulable")
        assert judged(resource) == ("InProgress", "InProgress", "Progressing")
        resource = eventually(
            lambda: found if condition(found := watched.seen(), "Stalled") else {},
            "it is stalled",
            120,
            pause=0.2,
        )
        assert condition(resource, "Stalled")["reason"] == "RolloutDeadlineExceeded"
        assert condition(resource, "Ready")["reason"] == "Unschedulable"
        assert "has timed out progressing" in condition(resource, "Ready")["message"]
        assert judged(resource) == ("Failed", "Failed", "Degraded")
        assert pods <= watched.serving_pods()
    assert judged(watched.told("AllReplicasReady", 120)) == ("Current", "Current", "Healthy")


def judged(resource: Object) -> tuple[str, str, str]:
    """What kstatus, Flux and Argo CD make of it."""
    (answer,) = kstatus([resource])
    return answer["kstatus"], answer["flux"], argo_health(resource).status


def test_a_secret_that_does_not_come_stalls_the_service_until_it_comes(watched: Watched) -> None:
    keys = {"auth": {"apiKeys": {"secretName": "keys"}}}
    tls = {"exposure": {"host": "faq.example.com", "tls": {"secretName": "faq-tls"}}}
    start(watched, {})
    watched.apply({**keys, **tls})
    message = condition(watched.told("SecretNotFound"), "Ready")["message"]
    assert "keys (auth.apiKeys), faq-tls (exposure.tls)" in message
    eventually(
        lambda: condition(watched.seen(), "Stalled").get("reason") == "SecretNotFound",
        "it is stalled",
        SECRET_GRACE.seconds + 90,
        pause=0.2,
    )
    for name in ("keys", "faq-tls"):
        causes.create_secret(watched.api, watched.namespace, name)
    resource = watched.told("WaitingForRoute", 90)
    assert not condition(resource, "Stalled")
    publish(watched)
    resource = watched.told("AllReplicasReady")
    assert resource["status"]["url"] == "https://faq.example.com/score"


def publish(watched: Watched) -> None:
    """Do what an ingress controller does at the end: publish an address."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{watched.namespace}/ingresses/faq/status"
    address = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    watched.api.request("PATCH", path, {"status": address}, MERGE)


def test_a_certificate_needs_cert_manager_then_an_issuer_then_a_route(watched: Watched) -> None:
    crds.uninstall(watched.api, "Certificate")
    start(watched, {})
    tls = {"secretName": "faq-tls", "issuerRef": {"name": "ca"}}
    watched.apply({"exposure": {"host": "faq.example.com", "tls": tls}})
    resource = watched.told("CertManagerNotInstalled")
    assert condition(resource, "Stalled")["reason"] == "CertManagerNotInstalled"
    assert condition(resource, "CertificateReady")["reason"] == "CertManagerNotInstalled"
    crds.install(watched.api, "Certificate")
    resource = watched.told("WaitingForCertificate", 90)
    assert not condition(resource, "Stalled")
    # cert-manager's part: there is none here.
    path = f"/apis/cert-manager.io/v1/namespaces/{watched.namespace}/certificates/faq/status"
    issued = {"conditions": [{"type": "Ready", "status": "True", "reason": "Ready"}]}
    watched.api.request("PATCH", path, {"status": issued}, MERGE)
    resource = watched.told("WaitingForRoute")
    assert condition(resource, "CertificateReady")["status"] == "True"
    publish(watched)
    assert condition(watched.told("AllReplicasReady"), "ExposureReady")["status"] == "True"
    crds.uninstall(watched.api, "Certificate")


def test_gateway_routes_need_the_gateway_api(watched: Watched) -> None:
    crds.uninstall(watched.api, "HTTPRoute")
    start(watched, {})
    gateway = {"parentRef": {"name": "public"}}
    watched.apply({"exposure": {"host": "faq.example.com", "api": "Gateway", "gateway": gateway}})
    resource = watched.told("GatewayAPINotInstalled")
    assert condition(resource, "Stalled")["reason"] == "GatewayAPINotInstalled"
    crds.install(watched.api, "HTTPRoute")
    watched.told("WaitingForRoute", 90)
    watched.apply({})
    watched.told("AllReplicasReady")
    crds.uninstall(watched.api, "HTTPRoute")


def test_a_host_that_another_service_has_is_told_until_that_one_goes(watched: Watched) -> None:
    exposure = {"exposure": {"host": "shared.example.com"}}
    # Its name comes first, too: both may be made within the second that creation times have.
    watched.api.apply(scoring_service(watched.namespace, "elder", **exposure))
    pods = start(watched, {})
    watched.apply(exposure)
    resource = watched.told("HostConflict")
    assert f"{watched.namespace}/elder" in condition(resource, "Stalled")["message"]
    assert condition(resource, "ExposureReady")["reason"] == "HostConflict"
    assert resource["status"]["url"] == resource["status"]["internalURL"]
    assert pods == watched.serving_pods()
    watched.api.delete("ScoringService", watched.namespace, "elder")
    resource = watched.told("WaitingForRoute")
    assert not condition(resource, "Stalled")
    assert resource["status"]["url"] == "http://shared.example.com/score"


def test_no_pods_are_no_trouble_where_none_are_wanted(fake_api: Api, watched: Watched) -> None:
    start(watched, {})
    for spec, reason in (({"replicas": 0}, "ScaledToZero"), ({"suspend": True}, "Suspended")):
        watched.apply(spec)

        def told(wanted: str = reason) -> bool:
            found = fake_api.get("ScoringService", watched.namespace, "faq")
            return condition(found, "Ready").get("reason") == wanted

        eventually(told, reason, pause=0.1)
        found = fake_api.get("ScoringService", watched.namespace, "faq")
        assert condition(found, "Ready")["status"] == "True"
        start(watched, {})


def test_a_spec_that_an_older_crd_let_in_is_told_and_harms_nothing(watched: Watched) -> None:
    pods = start(watched, {})
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/scoringservices.scoring.dev"
    crd = watched.api.request("GET", path)
    (version,) = crd["spec"]["versions"]
    lax: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version["schema"]["openAPIV3Schema"]["properties"]["spec"] = lax
    watched.api.request("PUT", path, crd)
    bad = {"replicas": 2, "autoscaling": {"maxReplicas": 3}}
    eventually(lambda: _accepted(watched, bad), "the old schema is in force")
    resource = watched.told("InvalidSpec")
    assert "at most one of replicas and autoscaling" in condition(resource, "Ready")["message"]
    assert condition(resource, "Stalled")["reason"] == "InvalidSpec"
    assert pods == watched.serving_pods()
    watched.apply({})
    watched.told("AllReplicasReady")
    install_crd(watched.api)
    eventually(lambda: not _accepted(watched, bad), "the schema is in force again")
    watched.apply({})


def _accepted(watched: Watched, spec: Mapping[str, Any]) -> bool:
    try:
        watched.apply(spec)
        watched.api.list("ScoringService", watched.namespace)
    except Refused:
        return False
    return True

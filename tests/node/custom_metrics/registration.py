"""Tells the API server that the stand-in serves the metrics APIs, and takes that back."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.certs import Authority
from tests.deploy.target import Target
from tests.node.custom_metrics.answers import CUSTOM, EXTERNAL
from tests.node.custom_metrics.server import MetricsServer

_NAME = "stand-in-metrics"
_NAMESPACE = "kube-system"


@contextmanager
def registered(target: Target, address: str, folder: Path) -> Iterator[MetricsServer]:
    """The stand-in, running at `address` and known to the API server, while the body runs."""
    authority = Authority(folder, "metrics-ca")
    authority.issue("metrics", _NAME, hosts=[f"{_NAME}.{_NAMESPACE}.svc"])
    certificate, key = folder / "metrics.crt", folder / "metrics.key"

    def pods(namespace: str, selector: str) -> Mapping[str, str]:
        return _running_pods(target, namespace, selector)

    with MetricsServer(address, certificate, key, pods) as server:
        manifests = _manifests(address, server.port, authority.certificate.read_bytes())
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        target.run("kubectl", "apply", "--filename", "-", stdin=text)
        try:
            for api in (CUSTOM, EXTERNAL):
                target.run(
                    *("kubectl", "wait", "--for=condition=Available", "--timeout=120s"),
                    f"apiservice/{_service_name(api)}",
                )
            yield server
        finally:
            target.run("kubectl", "delete", "--filename", "-", "--ignore-not-found", stdin=text)


def _service_name(api: str) -> str:
    group, version = api.split("/")
    return f"{version}.{group}"


def _running_pods(target: Target, namespace: str, selector: str) -> dict[str, str]:
    text = target.run(
        *("kubectl", "--namespace", namespace, "get", "pods", "--output", "json"),
        *("--selector", selector, "--field-selector", "status.phase=Running"),
    )
    return {
        pod["metadata"]["name"]: pod["status"]["podIP"]
        for pod in json.loads(text)["items"]
        if "deletionTimestamp" not in pod["metadata"]
    }


def _manifests(address: str, port: int, authority: bytes) -> list[dict[str, Any]]:
    metadata = {"name": _NAME, "namespace": _NAMESPACE}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": {"kubernetes.io/service-name": _NAME}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        },
        *(
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": _service_name(api)},
                "spec": {
                    "group": api.split("/")[0],
                    "version": api.split("/")[1],
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "service": {"name": _NAME, "namespace": _NAMESPACE},
                    "caBundle": base64.b64encode(authority).decode(),
                },
            }
            for api in (CUSTOM, EXTERNAL)
        ),
    ]

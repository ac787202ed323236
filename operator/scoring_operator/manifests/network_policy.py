"""The NetworkPolicy: only the serving port is open, nothing leaves but DNS and the download."""

from typing import Any, Final
from urllib.parse import urlsplit

from scoring_operator.api import ScoringService
from scoring_operator.api.affinity import LabelSelector
from scoring_operator.api.network import NetworkPeer
from scoring_operator.manifests.metadata import child_metadata, selector
from scoring_operator.manifests.pod import PORT

_DNS_PORT: Final = 53
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"


def network_policy(service: ScoringService) -> list[dict[str, Any]]:
    """The manifest, unless it is switched off."""
    settings = service.spec.network_policy
    if not settings.enabled:
        return []
    opened: dict[str, Any] = {"ports": [{"port": PORT, "protocol": "TCP"}]}
    if settings.from_:
        opened["from"] = [_peer(peer) for peer in settings.from_]
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": child_metadata(service),
            "spec": {
                "podSelector": {"matchLabels": selector(service)},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [opened],
                "egress": _egress(service),
            },
        }
    ]


def _egress(service: ScoringService) -> list[dict[str, Any]]:
    dns = [{"port": _DNS_PORT, "protocol": protocol} for protocol in ("UDP", "TCP")]
    rules: list[dict[str, Any]] = [{"ports": dns}]
    source = service.spec.model.source
    if source is None or source.url is None:
        return rules
    url = urlsplit(source.url)
    port = url.port or _DEFAULT_PORTS[url.scheme]
    rules.append({"ports": [{"port": port, "protocol": "TCP"}]})
    namespace = _service_namespace(url.hostname or "", service.metadata.namespace)
    if namespace is not None:
        # A policy sees the port of the pod behind a Service, which need not be the Service's.
        labels = {"matchLabels": {_NAMESPACE_NAME: namespace}}
        rules.append({"to": [{"namespaceSelector": labels}]})
    return rules


def _service_namespace(host: str, own: str) -> str | None:
    """The namespace of the Service that a host name stands for; None for any other host."""
    match host.split("."):
        case [name] if ":" not in name:  # no IPv6 address
            return own
        case [_, namespace, "svc", *_]:
            return namespace
        case _:
            return None


def _peer(peer: NetworkPeer) -> dict[str, Any]:
    if peer.cidr is not None:
        return {"ipBlock": {"cidr": peer.cidr}}
    selectors = {
        "podSelector": peer.pod_selector,
        "namespaceSelector": peer.namespace_selector,
    }
    return {name: _selector(found) for name, found in selectors.items() if found is not None}


def _selector(labels: LabelSelector) -> dict[str, Any]:
    # An empty one stays: it selects everything, where none selects nothing.
    return labels.model_dump(by_alias=True, exclude_defaults=True)

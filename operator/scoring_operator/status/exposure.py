"""Is the way from outside the cluster programmed, and has it its certificate?

A route is ready by what its controller says of it: an Ingress when an address is published, an
HTTPRoute when each parent has accepted this generation of it and resolved its references.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from scoring_operator.api import ScoringService
from scoring_operator.api.exposure import Exposure as Wanted
from scoring_operator.api.exposure import Tls
from scoring_operator.manifests import Platform
from scoring_operator.manifests.exposure import exposure, shortcomings
from scoring_operator.status.conditions import find
from scoring_operator.status.observed import Observed
from scoring_operator.status.reasons import Reason

PROGRAMMED: Final = "Programmed"
ISSUED: Final = "Issued"
SECRET_FOUND: Final = "SecretFound"  # noqa: S105 - the name of a reason


@dataclass(frozen=True)
class Aspect:
    """One condition: whether it holds, its reason and its message."""

    ready: bool
    reason: str
    """A `Reason` where it is not ready: then Ready has it, too."""
    message: str


@dataclass(frozen=True)
class Exposure:
    """What ExposureReady and CertificateReady say; None where there is no such condition."""

    route: Aspect | None = None
    certificate: Aspect | None = None

    @property
    def waits_for(self) -> Aspect | None:
        """The aspect that keeps the service from being Ready, the cause before its effect."""
        aspects = (self.route, self.certificate)
        pending = [aspect for aspect in aspects if aspect is not None and not aspect.ready]
        blocking = [aspect for aspect in pending if aspect.reason != Reason.WAITING_FOR_ROUTE]
        return next(iter(blocking or pending), None)


def read_exposure(service: ScoringService, platform: Platform, observed: Observed) -> Exposure:
    """Read the exposure's children of a valid resource."""
    wanted = service.spec.exposure
    if wanted is None:
        return Exposure()
    return Exposure(
        route=_route(service, wanted, platform, observed),
        certificate=_certificate(service, wanted.tls, observed) if wanted.tls else None,
    )


def _certificate(service: ScoringService, tls: Tls, observed: Observed) -> Aspect:
    secret, issuer = tls.secret_name, tls.issuer_ref
    if issuer is None:
        if secret in observed.missing_secrets:
            message = f"the Secret {secret} of exposure.tls is not in this namespace"
            return Aspect(False, Reason.SECRET_NOT_FOUND, message)
        return Aspect(True, SECRET_FOUND, f"the certificate is in the Secret {secret}")
    if "Certificate" in observed.absent_kinds:
        message = "exposure.tls.issuerRef needs cert-manager, which is not installed"
        return Aspect(False, Reason.CERT_MANAGER_NOT_INSTALLED, message)
    name = service.metadata.name
    found = observed.children.get(("Certificate", name))
    asked = f"{issuer.kind} {issuer.name}"
    if found is None:
        return _awaited(f"the Certificate {name} is being created")
    conditions = found.get("status", {}).get("conditions", [])
    ready = find(conditions, "Ready")
    if not _current(ready, found):
        return _awaited(f"cert-manager has not issued the certificate yet; asked: {asked}")
    if ready.get("status") == "True":
        return Aspect(True, ISSUED, f"{asked} issued the certificate")
    issuing = find(conditions, "Issuing")
    words = [str(item["message"]) for item in (ready, issuing) if item.get("message")]
    return _awaited(
        f"cert-manager has not issued the certificate yet; asked: {asked}; it says:"
        f" {'; '.join(dict.fromkeys(words)) or 'nothing'}"
        " (its CertificateRequest tells if there is no such issuer)"
    )


def _awaited(message: str) -> Aspect:
    return Aspect(False, Reason.WAITING_FOR_CERTIFICATE, message)


def _route(
    service: ScoringService, wanted: Wanted, platform: Platform, observed: Observed
) -> Aspect:
    if observed.host_owner is not None:
        message = f"{wanted.host}{wanted.path} belongs to the ScoringService {observed.host_owner}"
        return Aspect(False, Reason.HOST_CONFLICT, message)
    if "HTTPRoute" in observed.absent_kinds:
        message = "exposure.api Gateway needs the Gateway API, which is not installed"
        return Aspect(False, Reason.GATEWAY_API_NOT_INSTALLED, message)
    for manifest in exposure(service, platform):
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        if kind == "Certificate":
            continue
        found = observed.children.get((kind, name))
        lacks = _LACKS[kind](found, platform) if found else _absent(kind, name)
        if lacks:
            return Aspect(False, Reason.WAITING_FOR_ROUTE, lacks)
    notes = [f"{wanted.url} is programmed", *shortcomings(service, platform)]
    return Aspect(True, PROGRAMMED, "; ".join(notes))


def _absent(kind: str, name: str) -> str:
    # Left out where its kind is not served: the Ingress that refers to it does not work then.
    why = ": are Traefik's CRDs installed?" if kind == "Middleware" else ""
    return f"the {kind} {name} is not there yet{why}"


def _ingress_lacks(ingress: Mapping[str, Any], platform: Platform) -> str:
    """What an Ingress lacks to be ready; nothing if it is."""
    published = ingress.get("status", {}).get("loadBalancer", {}).get("ingress")
    if published or not platform.wait_for_ingress_address:
        return ""
    name, spec = ingress["metadata"]["name"], ingress.get("spec", {})
    class_name = spec.get("ingressClassName")
    lacks = f"no ingress controller has published an address for the Ingress {name}"
    if class_name:
        return f"{lacks} of class {class_name}"
    return (
        f"{lacks} without a class: name one of `kubectl get ingressclass` in"
        " exposure.ingress.className, unless one is marked as the default"
    )


def _route_lacks(route: Mapping[str, Any], _: Platform) -> str:
    """What an HTTPRoute lacks first to be ready; nothing if it is."""
    return next(_parents_lack(route), "")


def _parents_lack(route: Mapping[str, Any]) -> Iterator[str]:
    metadata = route["metadata"]
    parents = route.get("status", {}).get("parents", [])
    for reference in route["spec"]["parentRefs"]:
        gateway = f"{reference.get('namespace', metadata['namespace'])}/{reference['name']}"
        about = f"HTTPRoute {metadata['name']}, Gateway {gateway}"
        if section := reference.get("sectionName"):
            about += f", listener {section}"
        told = [item for item in parents if _same_parent(item["parentRef"], reference, metadata)]
        if not told:
            yield f"{about}: no controller has looked at it yet"
        for parent in told:
            for kind in ("Accepted", "ResolvedRefs"):
                condition = find(parent.get("conditions", []), kind)
                if not _current(condition, route):
                    yield f"{about}: its controller has not looked at the last change yet"
                elif condition["status"] != "True":
                    words = condition.get("message") or condition.get("reason", "")
                    yield f"{about}: not {kind}: {words}"


_LACKS: Final[Mapping[str, Callable[[Mapping[str, Any], Platform], str]]] = {
    "Ingress": _ingress_lacks,
    "HTTPRoute": _route_lacks,
    "Middleware": lambda *_: "",
}


def _same_parent(
    told: Mapping[str, Any], reference: Mapping[str, Any], metadata: Mapping[str, Any]
) -> bool:
    here = {"namespace": metadata["namespace"]}
    keys = ("namespace", "name", "sectionName")
    return [{**here, **told}.get(key) for key in keys] == [
        {**here, **reference}.get(key) for key in keys
    ]


def _current(condition: Mapping[str, Any], obj: Mapping[str, Any]) -> bool:
    """Whether a condition is there and about the object as it is now."""
    generation = obj["metadata"].get("generation", 0)
    return bool(condition) and condition.get("observedGeneration", generation) >= generation

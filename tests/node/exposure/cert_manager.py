"""A stand-in for cert-manager: it issues from a test CA, for one issuer, and does nothing else.

For Certificates of other issuers it says what cert-manager says while it cannot find an issuer:
that the certificate is being issued, since its Secret does not exist.
"""

import base64
import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cluster.certs import Authority
from tests.cluster.errors import ClusterError
from tests.node.namespace import Namespace

ISSUER = {"kind": "Issuer", "name": "test-ca"}

_PAUSE_SECONDS = 0.5
_WAITING = ("False", "DoesNotExist", "Issuing certificate as Secret does not exist")
_READY = ("True", "Ready", "Certificate is up to date and has not expired")


class CertificateAuthority:
    """The test CA, and the Secrets that it fills."""

    def __init__(self, folder: Path) -> None:
        """Make the CA."""
        folder.mkdir()
        self._folder = folder
        self._authority = Authority(folder, "ca")
        self.certificate = self._authority.certificate

    def write_secret(self, namespace: Namespace, secret: str, hosts: list[str]) -> None:
        """Issue a certificate into a Secret of type kubernetes.io/tls."""
        name = f"{namespace.name}-{secret}"
        self._authority.issue(name, hosts[0], hosts=hosts)
        namespace.apply(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/tls",
                "metadata": {"name": secret},
                "data": {
                    f"tls.{kind}": base64.b64encode(
                        (self._folder / f"{name}.{kind}").read_bytes()
                    ).decode()
                    for kind in ("crt", "key")
                },
            }
        )


@contextlib.contextmanager
def standing_in(namespace: Namespace, authority: CertificateAuthority) -> Iterator[None]:
    """The stand-in at work in a namespace while the body runs."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(_PAUSE_SECONDS):
            with contextlib.suppress(ClusterError):  # deleted meanwhile: the next round sees
                found = json.loads(namespace.run("get", "certificates", "--output", "json"))
                for certificate in found["items"]:
                    _treat(namespace, authority, certificate)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)


def _treat(
    namespace: Namespace, authority: CertificateAuthority, certificate: dict[str, Any]
) -> None:
    spec, metadata = certificate["spec"], certificate["metadata"]
    issuer = spec["issuerRef"]
    known = {key: issuer[key] for key in ISSUER} == ISSUER
    told = certificate.get("status", {}).get("conditions", [])
    if any(item["observedGeneration"] == metadata["generation"] for item in told):
        return
    if known:
        authority.write_secret(namespace, spec["secretName"], spec["dnsNames"])
    status, reason, message = _READY if known else _WAITING
    condition = {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": metadata["generation"],
        "lastTransitionTime": metadata["creationTimestamp"],
    }
    namespace.run(
        *("patch", "certificate", metadata["name"], "--subresource=status", "--type=merge"),
        *("--patch", json.dumps({"status": {"conditions": [condition]}})),
    )

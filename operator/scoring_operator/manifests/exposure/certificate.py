"""The Certificate that cert-manager is asked for."""

from typing import Any

from scoring_operator.api import ScoringService
from scoring_operator.manifests.metadata import child_metadata


def certificate(service: ScoringService) -> list[dict[str, Any]]:
    """The Certificate's manifest; none where the user brings the Secret."""
    exposure = service.spec.exposure
    if exposure is None or exposure.tls is None or exposure.tls.issuer_ref is None:
        return []
    issuer = exposure.tls.issuer_ref
    return [
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": child_metadata(service),
            "spec": {
                "secretName": exposure.tls.secret_name,
                "dnsNames": [exposure.host],
                "issuerRef": {
                    "group": "cert-manager.io",
                    "kind": issuer.kind,
                    "name": issuer.name,
                },
            },
        }
    ]

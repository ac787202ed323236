"""The API server's priority and fairness: it refuses with 429, and the operator obeys."""

from typing import Any

from benchmarks import reconciler_audit as audit
from benchmarks import reconciler_waves as waves
from benchmarks.reconciler_cluster import NAMESPACE, Place

_GROUP = "flowcontrol.apiserver.k8s.io"
_NAME = "slow-lane"


def fairness(place: Place, names: list[str]) -> dict[str, Any]:
    """A create wave of an operator that may have few requests in flight, and must not queue."""
    _narrow(place)
    since = audit.offset(place.audit_log)
    with place.operator() as operator:
        found = waves.create_children(place, operator, names)
    soonest = audit.soonest_retry(audit.calls(place.audit_log, since, waves.OPERATOR))
    return {**found, "count": len(names), "soonestRetrySeconds": soonest}


def _narrow(place: Place) -> None:
    """Give the operator's writes the smallest share, without a queue: the rest is refused.

    Reads are left alone: with them go the watches, which a server that is just busy still serves.
    """
    level = {
        "metadata": {"name": _NAME},
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": 1,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"},
            },
        },
    }
    rule = {
        "subjects": [
            {
                "kind": "ServiceAccount",
                "serviceAccount": {"namespace": NAMESPACE, "name": "operator"},
            }
        ],
        "resourceRules": [
            {
                "verbs": ["patch"],
                "apiGroups": ["*"],
                "resources": ["*"],
                "namespaces": ["*"],
            }
        ],
    }
    schema = {
        "metadata": {"name": _NAME},
        "spec": {
            "priorityLevelConfiguration": {"name": _NAME},
            "matchingPrecedence": 2,  # 1 is for the schema "exempt" alone
            "rules": [rule],
        },
    }
    root = f"/apis/{_GROUP}/v1"
    place.api.request("POST", f"{root}/prioritylevelconfigurations", level)
    place.api.request("POST", f"{root}/flowschemas", schema)

"""R2, R3: what a resource comes to depends on its spec alone, not on the specs before it.

Random specs are drawn from the CRD's schema; the API server's strict dry run decides what is valid.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import pytest

from scoring_operator.api import KIND
from tests.cluster.fixtures import Cluster
from tests.e2e import real_crds
from tests.e2e.api import APPLY, PATHS, Api, Refused
from tests.e2e.resources import scoring_service
from tests.faults.conftest import NewTrial
from tests.faults.drawn import Spec, draw, valid_part
from tests.faults.plan import chunks, named, run_plan
from tests.faults.scenarios import LARGE, filled
from tests.faults.snapshot import State, differences, essence, snapshots
from tests.faults.trial import DEADLINE_SECONDS, Trial
from tests.reliability.figures import record

pytestmark = [pytest.mark.api, pytest.mark.timeout(7200)]

SAMPLE, WHOLE = 25, 500
PORTION = 50
# Longer than the operator takes between two of its own steps.
STILL_SECONDS = 3.0
_NUMBER: Spec = {"f:spec": {"f:replicas": {}}}
# Answers of the API server that leave a child as it was, or unmade.
REFUSED = frozenset({"InvalidSpec", "AdmissionDenied", "QuotaExceeded", "NameConflict"})

Transition = tuple[Spec, Spec]

BAD: dict[str, Spec] = {
    "an image that does not exist": {"image": "registry.invalid/nothing:1"},
    "more memory than any node has": {"resources": {"requests": {"memory": "900Ti"}}},
    "a Secret of keys that does not exist": {"auth": {"apiKeys": {"secretName": "missing"}}},
    "a Secret for pulling that does not exist": {"imagePullSecrets": [{"name": "missing"}]},
    "a host that another service has": {"exposure": {"host": "taken.example.com"}},
    "an issuer that does not exist": {
        "exposure": {
            "host": "{}.example.com",
            "tls": {"secretName": "tls", "issuerRef": {"kind": "Issuer", "name": "missing"}},
        }
    },
    "a Gateway that does not exist": {
        "exposure": {
            "api": "Gateway",
            "host": "{}.example.com",
            "gateway": {"parentRef": {"name": "missing"}},
        }
    },
    "a claim that does not exist": {
        "model": {
            "type": "faq-matching",
            "source": {"persistentVolumeClaim": {"claimName": "missing"}},
        }
    },
    "a model that cannot be fetched": {
        "model": {
            "type": "faq-matching",
            "source": {"url": "http://nowhere.invalid/model.tar", "sha256": "0" * 64},
        }
    },
    "a label that no node has": {"podTemplate": {"nodeSelector": {"no": "node"}}},
    "a PriorityClass that does not exist": {"podTemplate": {"priorityClassName": "missing"}},
    "a RuntimeClass that does not exist": {"podTemplate": {"runtimeClassName": "missing"}},
    "a ServiceAccount that does not exist": {"podTemplate": {"serviceAccountName": "missing"}},
    "a resource that nobody offers": {
        "autoscaling": {
            "maxReplicas": 3,
            "metrics": [{"type": "External", "name": "missing", "value": "1"}],
        },
    },
}


def serve(trial: Trial, specs: Mapping[str, Spec]) -> dict[str, State]:
    """Give resources their specs; what they come to."""
    for name, spec in specs.items():
        trial.apply(spec, name)
    # Many of them wait for Secrets and look now and then: the operator as a whole has no rest.
    found, since = essences(trial, specs), time.monotonic()
    deadline = since + DEADLINE_SECONDS
    while time.monotonic() - since < STILL_SECONDS:
        assert time.monotonic() < deadline, "the states go on changing"
        time.sleep(0.3)
        now = essences(trial, specs)
        if now != found or trial.unsettled(specs):
            found, since = now, time.monotonic()
    return found


def essences(trial: Trial, names: Iterable[str]) -> dict[str, State]:
    found = snapshots(trial.api, trial.namespace, names)
    return {name: essence(state) | {"Ready": reason(state)} for name, state in found.items()}


def reason(state: State) -> Any:
    """The reason of the Ready condition."""
    return state.get(f"{KIND}/the-name.status.conditions[0].reason")


def go_through(new_trial: NewTrial, plan: Mapping[str, Transition]) -> tuple[int, list[str]]:
    """First one spec, then the other, then the first again; how many could be compared."""
    first = {name: pair[0] for name, pair in plan.items()}
    second = {name: pair[1] for name, pair in plan.items()}
    with new_trial() as trial, new_trial() as other:
        trial.start()
        other.start()
        began, fresh = serve(trial, first), serve(other, second)
        changed = serve(trial, second)
        back = serve(trial, first)
    wrong, compared = [], 0
    for name in plan:
        pairs = {"": (changed, fresh, second), "back: ": (back, began, first)}
        for title, (found, wanted, specs) in pairs.items():
            if REFUSED.isdisjoint({began[name]["Ready"], fresh[name]["Ready"]}):
                compared += 1
                wrong += [
                    f"{title}{text}\n  {first[name]}\n  {second[name]}"
                    for text in compare(found[name], wanted[name], specs[name])
                ]
    return compared, wrong


def compare(found: State, wanted: State, spec: Spec) -> list[str]:
    """How two states differ.

    How many pods there are is the autoscaler's word where there is one, and its field once it had
    to change what the spec before it had said.
    """
    mask = {"Ready"}
    if "autoscaling" in spec:
        mask.add("Deployment/the-name.spec.replicas")
        found, wanted = map(_without_owner_of_number, (found, wanted))
    return differences(found, wanted, mask)


def _without_owner_of_number(state: State) -> State:
    owners = "Deployment/the-name.managers"
    entries = state.get(owners, [])
    kept = [entry for entry in entries if json.loads(entry)["fieldsV1"] != _NUMBER]
    return {**state, owners: kept}


def transitions(api: Api, count: int) -> list[Transition]:
    """Pairs of specs that the API server accepts, one after the other."""

    def accepts(spec: Spec) -> bool:
        body = scoring_service("default", "draw", **filled(spec, "draw"))
        path = f"{PATHS[KIND].format('default')}/draw"
        query = "fieldManager=user&force=true&dryRun=All&fieldValidation=Strict"
        try:
            api.request("PATCH", f"{path}?{query}", body, APPLY)
        except Refused:
            return False
        return True

    found: list[Transition] = []
    for pair in chunks(draw(2 * count), 2):
        kind = "image-classification" if len(found) % 2 else "faq-matching"
        first, second = (valid_part(spec, {"model": {"type": kind}}, accepts) for spec in pair)
        found.append((first, second))
    return found


def test_a_state_does_not_depend_on_the_specs_before_it(
    new_trial: NewTrial, api_cluster: Cluster, long: bool
) -> None:
    api = Api(api_cluster.kubeconfig)
    with real_crds.installed(api):
        pairs = transitions(api, WHOLE if long else SAMPLE)
        tally = run_plan(partial(go_through, new_trial), pairs, PORTION)
    # There and back: each could be compared twice.
    tally.check(1.5)
    figure = f"{len(pairs)} there and back; the same state as from scratch in all"
    record("R2", "transitions", figure)


def test_a_bad_spec_on_the_way_leaves_nothing_behind(new_trial: NewTrial) -> None:
    pairs = [(LARGE, {**LARGE, **bad}) for bad in BAD.values()]
    pairs = [
        (good, {key: value for key, value in bad.items() if not alone(key, bad)})
        for good, bad in pairs
    ]
    _, wrong = go_through(new_trial, named(pairs))
    assert not wrong, "\n".join(wrong)
    record("R3", "bad specs that leave nothing behind", f"{len(pairs)} of {len(pairs)}")


def alone(key: str, spec: Spec) -> bool:
    """Exactly one of replicas and autoscaling."""
    return key == "replicas" and "autoscaling" in spec

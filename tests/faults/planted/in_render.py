"""Bugs of the desired state."""

from tests.faults.planted.bug import UNIT, Bug

_TESTS = f"{UNIT}/manifests"

BUGS = (
    Bug(
        "replicas are said while an autoscaler decides",
        "manifests/deployment.py",
        "{} if spec.desired_replicas is None else {",
        "{",
        _TESTS,
    ),
    Bug(
        "a roll-out on GPUs surges",
        "manifests/deployment.py",
        '"maxSurge": 1 if surge else 0,',
        '"maxSurge": 1,',
        _TESTS,
    ),
    Bug(
        "a budget for one pod blocks every drain",
        "manifests/pod_disruption_budget.py",
        "spec.fewest_replicas < 2",
        "spec.fewest_replicas < 1",
        _TESTS,
    ),
    Bug(
        "the owner reference names no controller",
        "manifests/metadata.py",
        '                "controller": True,\n',
        "",
        _TESTS,
    ),
    Bug(
        "any pod may reach any address",
        "manifests/network_policy.py",
        'rules: list[dict[str, Any]] = [{"ports": dns}]',
        "rules: list[dict[str, Any]] = [{}]",
        _TESTS,
    ),
    Bug(
        "the template changes with the number of pods",
        "manifests/pod.py",
        'if service.spec.availability.topology_spread == "Disabled":',
        "if service.spec.fewest_replicas < 2:",
        _TESTS,
    ),
)

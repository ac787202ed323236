"""Trials on the control plane without nodes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api
from tests.e2e.conftest import install_crd, unused_namespace
from tests.faults.reference import Reference, measure
from tests.faults.scenarios import Scenario
from tests.faults.trial import Trial

NewTrial = Callable[[], Trial]
Measured = Callable[[list[Scenario]], dict[str, Reference]]


@pytest.fixture(scope="session")
def new_trial(api_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> NewTrial:
    """Make trials in namespaces of their own, to be entered."""
    install_crd(Api(api_cluster.kubeconfig))
    folder = tmp_path_factory.mktemp("trials")

    def make() -> Trial:
        name = unused_namespace()
        return Trial(api_cluster.kubeconfig, folder / name, name)

    return make


@pytest.fixture(scope="session")
def measured(new_trial: NewTrial) -> Measured:
    """What scenarios come to without faults, by name; measured once."""
    known: dict[str, Reference] = {}

    def measure_new(scenarios: list[Scenario]) -> dict[str, Reference]:
        new = [scenario for scenario in scenarios if scenario.name not in known]
        if new:
            with new_trial() as trial:
                known.update(measure(trial, new))
        return {scenario.name: known[scenario.name] for scenario in scenarios}

    return measure_new

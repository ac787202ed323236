"""Trials on the control plane without nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.fixtures import Cluster
from tests.e2e.api import Api
from tests.e2e.conftest import install_crd, unused_namespace
from tests.faults.planted.bug import Bug, plant
from tests.faults.reference import Reference, measure
from tests.faults.scenarios import Scenario
from tests.faults.trial import Trial

NewTrial = Callable[[], Trial]
# A trial that a bug spoils would wait for its end in vain.
BUG_PATIENCE_SECONDS = 40.0
WithBug = Callable[[Bug], NewTrial]
Measured = Callable[[list[Scenario]], dict[str, Reference]]


@pytest.fixture(scope="session")
def new_trial(api_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> NewTrial:
    """Make trials in namespaces of their own, to be entered."""
    return _maker(api_cluster, tmp_path_factory.mktemp("trials"))


@pytest.fixture(scope="session")
def with_bug(api_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> WithBug:
    """Make trials of an operator that has a bug."""

    def make(bug: Bug) -> NewTrial:
        folder = tmp_path_factory.mktemp("bug")
        make = _maker(api_cluster, folder, plant(bug, folder / "code"))

        def impatient() -> Trial:
            trial = make()
            trial.patience = BUG_PATIENCE_SECONDS
            return trial

        return impatient

    return make


def _maker(cluster: Cluster, folder: Path, code: Path | None = None) -> NewTrial:
    install_crd(Api(cluster.kubeconfig))

    def make() -> Trial:
        name = unused_namespace()
        return Trial(cluster.kubeconfig, folder / name, name, code)

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

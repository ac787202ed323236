"""What a scenario comes to without faults: the measure of all runs with faults."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.faults.calls import Call
from tests.faults.scenarios import Scenario
from tests.faults.snapshot import State, differences, learn_mask, snapshots
from tests.faults.streams import Event
from tests.faults.trial import Trial


@dataclass(frozen=True)
class Reference:
    """The end state, what may differ from it, and the calls and events that led there."""

    state: State
    mask: set[str]
    counts: Counter[str]
    calls: list[Call]
    events: list[Event]
    fewest_replicas: int | None
    """The fewest that the Deployment was to have on the way."""

    @property
    def writes(self) -> list[Call]:
        """The calls that write."""
        return [call for call in self.calls if call.write]

    def faults(self, trial: Trial, name: str, state: State) -> list[str]:
        """What a resource came to that it should not have; `state` is its own."""
        counts = trial.counts(name)
        fewest, wanted = trial.witness.fewest_replicas(name), self.fewest_replicas
        dips = fewest is not None and wanted is not None and fewest < wanted
        complaints = trial.witness.complaints(name)
        if dips:
            complaints.append(f"the replicas fell to {fewest} on the way")
        return (
            complaints
            + differences(state, self.state, self.mask)
            + [
                f"{effect}: {counts[effect]} times instead of {self.counts[effect]}"
                for effect in sorted(counts.keys() | self.counts.keys())
                if counts[effect] != self.counts[effect]
            ]
        )


References = Mapping[str, Reference]
"""By the name of a resource: what it should come to."""


def faults(trial: Trial, wanted: References) -> dict[str, list[str]]:
    """What resources came to that they should not have."""
    states = snapshots(trial.api, trial.namespace, wanted)
    found = {name: item.faults(trial, name, states[name]) for name, item in wanted.items()}
    return {name: texts for name, texts in found.items() if texts}


def converge(trial: Trial, wanted: References) -> dict[str, list[str]]:
    """Wait until each has been as it should be; what is wrong with those that never were."""
    deadline = time.monotonic() + trial.patience
    while True:
        trial.keep()
        wrong = faults(trial, wanted)
        wanted = {name: item for name, item in wanted.items() if name in wrong}
        if not wanted or time.monotonic() > deadline:
            return wrong
        time.sleep(0.2)


def outcome(trial: Trial, wanted: References) -> dict[str, list[str]]:
    """Wait until all is as it should be, and at rest; what is not so in the end."""
    if wrong := converge(trial, wanted):
        return wrong
    trial.settle(wanted)
    return faults(trial, wanted)


def measure(trial: Trial, scenarios: Sequence[Scenario]) -> dict[str, Reference]:
    """Go through scenarios without faults, twice each; what they come to, by scenario's name."""
    runs = [
        {f"s{number:02}{run}": scenario for number, scenario in enumerate(scenarios)}
        for run in "az"
    ]
    trial.start()
    for run in runs:  # one after the other, so that times differ
        trial.prepare(run)
    trial.forget()
    for run in runs:
        for name, scenario in run.items():
            trial.go_on(scenario, name)
        trial.settle(run)
    states = snapshots(trial.api, trial.namespace, [name for run in runs for name in run])
    pairs = zip(*runs, strict=True)
    return {
        scenario.name: _learn(trial, pair, states)
        for scenario, pair in zip(scenarios, pairs, strict=True)
    }


def _learn(trial: Trial, names: tuple[str, ...], states: Mapping[str, State]) -> Reference:
    first, second = names
    counts, again = trial.counts(first), trial.counts(second)
    assert counts == again, f"two runs without faults do different things: {counts}, {again}"
    return Reference(
        state=states[first],
        mask=learn_mask(states[first], states[second]),
        counts=counts,
        calls=min(map(trial.calls, names), key=len),
        events=min(map(trial.events, names), key=len),
        fewest_replicas=trial.witness.fewest_replicas(first),
    )

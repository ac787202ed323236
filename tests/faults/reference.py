"""What a scenario comes to without faults: the measure of all runs with faults."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass

from tests.faults.calls import Call
from tests.faults.scenarios import Scenario
from tests.faults.snapshot import State, differences, learn_mask, snapshots
from tests.faults.streams import Event
from tests.faults.trial import Trial

# What is refused for good, as far as the operator can tell, is tried again every 30 s.
CONVERGED_SECONDS = 100.0


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

    def faults(self, trial: Trial, names: Collection[str]) -> dict[str, list[str]]:
        """What resources came to that they should not have."""
        states = snapshots(trial.api, trial.namespace, names)
        found = {name: self._faults(trial, name, states[name]) for name in names}
        return {name: faults for name, faults in found.items() if faults}

    def converge(self, trial: Trial, names: Collection[str]) -> None:
        """Wait until all is as it should be; whoever wants to know what is not asks `faults`."""
        deadline = time.monotonic() + CONVERGED_SECONDS
        wrong: Collection[str] = names
        while wrong and time.monotonic() < deadline:
            wrong = self.faults(trial, wrong)
            time.sleep(0.2)

    def _faults(self, trial: Trial, name: str, state: State) -> list[str]:
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


def reference(new_trial: Callable[[], Trial], scenario: Scenario) -> Reference:
    """Run the scenario twice without faults."""
    first, second = names = ("alpha", "omega")
    with new_trial() as trial:
        trial.start()
        for name in names:  # one after the other, so that times differ
            trial.prepare(scenario, [name])
        trial.forget()
        for name in names:
            trial.go_on(scenario, name)
            trial.settle([name])
        states = snapshots(trial.api, trial.namespace, names)
        counts = [trial.counts(name) for name in names]
        calls = min(map(trial.calls, names), key=len)
        events = min(map(trial.events, names), key=len)
        fewest = trial.witness.fewest_replicas(first)
    assert counts[0] == counts[1], "two runs without faults do different things"
    mask = learn_mask(states[first], states[second])
    return Reference(states[first], mask, counts[0], calls, events, fewest)

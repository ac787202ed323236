"""What a scenario comes to without faults: the measure of all runs with faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.faults.calls import Call
from tests.faults.scenarios import Scenario
from tests.faults.snapshot import State, differences, learn_mask, snapshot
from tests.faults.trial import NAME, Trial


@dataclass(frozen=True)
class Reference:
    """The end state, what may differ from it, and the calls that led there."""

    state: State
    mask: set[str]
    counts: Counter[str]
    calls: list[Call]

    @property
    def writes(self) -> list[Call]:
        """The calls that write."""
        return [call for call in self.calls if call.write]

    def faults(self, trial: Trial, name: str = NAME) -> list[str]:
        """What a trial came to that it should not have."""
        state = snapshot(trial.api, trial.namespace, name)
        counts = trial.counts(name)
        return differences(state, self.state, self.mask) + [
            f"{effect}: {counts[effect]} times instead of {self.counts[effect]}"
            for effect in sorted(counts.keys() | self.counts.keys())
            if counts[effect] != self.counts[effect]
        ]


def begin(trial: Trial, scenario: Scenario, names: Sequence[str] = (NAME,)) -> None:
    """Start an operator and bring resources to where the scenario begins."""
    trial.start()
    if scenario.before is not None:
        for name in names:
            trial.apply(scenario.before, name)
        trial.settle(names)
    trial.proxy.forget()


def reference(new_trial: Callable[[], Trial], scenario: Scenario) -> Reference:
    """Run the scenario twice without faults."""
    states, counts, calls = [], [], []
    for name in (NAME, "other"):
        with new_trial() as trial:
            begin(trial, scenario, [name])
            trial.apply(scenario.after, name)
            trial.settle([name])
            states.append(snapshot(trial.api, trial.namespace, name))
            counts.append(trial.counts(name))
            calls.append(trial.calls(name))
    assert counts[0] == counts[1], "two runs without faults do different things"
    return Reference(states[0], learn_mask(*states), counts[0], min(calls, key=len))

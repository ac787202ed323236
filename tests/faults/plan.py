"""A plan: faults at points of a scenario, each on a resource of its own."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.faults.actions import Action, EventAction
from tests.faults.calls import Call
from tests.faults.scenarios import Scenario
from tests.faults.streams import Event
from tests.faults.trial import belongs

Item = TypeVar("Item")
Result = TypeVar("Result")
Fault = TypeVar("Fault", bound=Action | EventAction)

# An operator waits most of the time: for the API server, and for its own back-off.
LANES = 4


@dataclass(frozen=True)
class Moment:
    """One of the calls or events about a resource.

    The operator writes children at the same time: the first patch of the Deployment is a moment
    that each run has, the third write may be another one in each.
    """

    what: str
    """`patch deployments`, or `MODIFIED pods`."""
    number: int
    """Which of its like, from 1."""

    def __str__(self) -> str:
        return f"{self.what} ({self.number})"


@dataclass(frozen=True)
class Point(Generic[Fault]):
    """Where in which scenario what happens."""

    scenario: Scenario
    moment: Moment
    fault: Fault


class Moments:
    """Tells the moments of one resource as they come."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def next(self, met: Call | Event) -> Moment:
        """The moment that this is."""
        self._seen[met.what] += 1
        return Moment(met.what, self._seen[met.what])


def moments(met: Iterable[Call | Event]) -> list[Moment]:
    """The moments of a resource in one run, in their order."""
    told = Moments()
    return [told.next(item) for item in met]


class Injected(Generic[Fault]):
    """Faults by resource, which happen once each."""

    def __init__(self, points: Mapping[str, Point[Fault]]) -> None:
        self._points = points
        self._moments = {name: Moments() for name in points}
        self.fired: dict[str, str] = {}
        self.only: str | None = None
        """The resource whose turn it is, where they take turns."""

    def at_call(self, call: Call) -> Fault | None:
        """For `FaultProxy.decide`: counts the calls about a resource but watches."""
        ignored = call.verb == "watch" or call.resource == "events"
        return None if ignored else self._next(call.name, call)

    def at_write(self, call: Call) -> Fault | None:
        """For `FaultProxy.decide`: counts the writes."""
        return self._next(call.name, call) if call.write else None

    def at_event(self, event: Event) -> Fault | None:
        """For `Streams.decide`: counts the events of all watches."""
        return self._next(event.name, event)

    def _next(self, about: str, met: Call | Event) -> Fault | None:
        for name, point in self._points.items():
            if belongs(about, name) and self.only in (None, name):
                moment = self._moments[name].next(met)
                if moment == point.moment:
                    self.fired[name] = f"{point.fault} at {point.scenario.name}, {moment}"
                    return point.fault
        return None

    def told(self, faults: Mapping[str, Sequence[str]]) -> list[str]:
        """What went wrong, each with the fault that was injected."""
        return [
            f"{self.fired.get(name, 'no fault')}: {text}"
            for name, texts in faults.items()
            for text in texts
        ]


@dataclass(frozen=True)
class Tally:
    """What came of a plan."""

    tried: int
    met: int
    wrong: list[str]

    def check(self, share: float) -> None:
        """Nothing went wrong, and at least this share of the faults was met.

        A run may be a little shorter than the reference, so that a fault near its end is not met.
        """
        assert not self.wrong, "\n".join(self.wrong)
        assert self.met >= share * self.tried, f"only {self.met} of {self.tried} faults were met"


def sample(every: Iterable[Item], size: int | None, seed: str) -> list[Item]:
    """The same few in each run; all of them where `size` is None."""
    items = list(every)
    if size is None or len(items) <= size:
        return items
    chosen = random.Random(seed).sample(range(len(items)), size)
    return [items[index] for index in sorted(chosen)]


def named(points: Iterable[Item]) -> dict[str, Item]:
    """A resource's name for each point; none is the beginning of another's."""
    return {f"p{index:03}x": point for index, point in enumerate(points)}


def chunks(points: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """The points in portions that one operator serves at a time."""
    return [points[start : start + size] for start in range(0, len(points), size)]


def side_by_side(job: Callable[[Item], Result], tasks: Iterable[Item]) -> list[Result]:
    """Do a job for each task, some at a time; the results in their order."""
    with ThreadPoolExecutor(LANES) as pool:
        return list(pool.map(job, tasks))


def run_plan(
    job: Callable[[Mapping[str, Item]], tuple[int, list[str]]],
    points: Sequence[Item],
    portion: int,
) -> Tally:
    """Do a job for portions of the points, by the names of their resources, some at a time.

    The job returns how many faults were met, and what went wrong, in words.
    """
    portions = [named(part) for part in chunks(points, portion)]
    results = side_by_side(job, portions)
    met, wrong = sum(met for met, _ in results), [text for _, texts in results for text in texts]
    return Tally(len(points), met, wrong)

"""What the API server's audit log says of a client: how many calls, and when what was done."""

import json
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

_WRITES = frozenset({"create", "update", "patch", "delete"})
# Neither the lead nor messages for people are a part of the work.
_ASIDE = frozenset({"leases", "events"})


class Call(NamedTuple):
    """An answered request; times in seconds since 1970."""

    verb: str
    resource: str
    name: str
    code: int
    agent: str
    began: float
    ended: float

    @property
    def writes(self) -> bool:
        """Whether it changes an object."""
        return self.verb in _WRITES

    @property
    def text(self) -> str:
        """`patch deployments`."""
        return f"{self.verb} {self.resource}"


def offset(log: Path) -> int:
    """Where the log ends now."""
    return log.stat().st_size


def calls(log: Path, since: int, agent: str) -> Iterator[Call]:
    """The requests of one client from `since` bytes on, watches aside.

    Args:
        agent: how the client's User-Agent begins.
    """
    with log.open("rb") as lines:
        lines.seek(since)
        for line in lines:
            if not line.endswith(b"\n"):  # it is being written
                return
            event: dict[str, Any] = json.loads(line)
            reference = event.get("objectRef") or {}
            if event["verb"] == "watch" or reference.get("resource") in (None, *_ASIDE):
                continue
            if event.get("userAgent", "").startswith(agent):
                yield _call(event, reference)


def _call(event: Mapping[str, Any], reference: Mapping[str, Any]) -> Call:
    sub = f"/{reference['subresource']}" if "subresource" in reference else ""
    return Call(
        event["verb"],
        reference["resource"] + sub,
        reference.get("name", ""),
        int(event["responseStatus"]["code"]),
        event["userAgent"],
        _seconds(event["requestReceivedTimestamp"]),
        _seconds(event["stageTimestamp"]),
    )


def counts(made: Iterable[Call]) -> dict[str, int]:
    """How many of which."""
    return dict(sorted(Counter(call.text for call in made).items()))


def latencies(created: Iterable[Call], made: Iterable[Call]) -> list[float]:
    """Seconds from a resource's creation to that of its last child, for each resource."""
    last: dict[str, float] = {}
    for call in made:
        if call.code == 201:
            last[call.name] = max(last.get(call.name, 0.0), call.ended)
    return [
        last[call.name] - call.began
        for call in created
        if call.resource == "scoringservices" and call.name in last
    ]


def soonest_retry(made: Iterable[Call]) -> float | None:
    """Seconds from a refusal with 429 to the same call's next attempt: the shortest that was."""
    refused: dict[tuple[str, str], float] = {}
    waits = []
    for call in sorted(made, key=lambda call: call.began):
        same = (call.text, call.name)
        if same in refused:
            waits.append(call.began - refused.pop(same))
        if call.code == 429:
            refused[same] = call.ended
    return min(waits, default=None)


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Median and 99th percentile, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50": 1000 * cuts[49], "p99": 1000 * cuts[98]}


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()

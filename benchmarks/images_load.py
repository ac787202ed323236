"""Clients that ask again as soon as they are answered, over connections that stay open.

Run as `python -m benchmarks.images_load PORT PATH CLIENTS SECONDS REQUESTS.json`; prints JSON. The
file holds a list of {"type": content type, "body": base64, "good": whether 200 is wanted}.
"""

import base64
import http.client
import json
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Request:
    """What is sent, and whether it is to succeed."""

    headers: dict[str, str]
    body: bytes
    good: bool


@dataclass
class Tally:
    """What one client saw."""

    latencies: list[float] = field(default_factory=list)
    good_failed: int = 0
    bad_accepted: int = 0


def run(port: int, path: str, clients: int, seconds: float, requests: list[Request]) -> Any:
    """Ask for some seconds.

    Returns:
        Requests a second, latencies in milliseconds, how many good requests failed.
    """
    tallies = [Tally() for _ in range(clients)]
    started = time.perf_counter()
    threads = [
        threading.Thread(target=_client, args=(port, path, started + seconds, requests, i, tally))
        for i, tally in enumerate(tallies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    latencies = [latency for tally in tallies for latency in tally.latencies]
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [0.0] * 99
    return {
        "imagesPerSecond": len(latencies) / elapsed,
        "p50Milliseconds": cuts[49] * 1e3,
        "p99Milliseconds": cuts[98] * 1e3,
        "answered": len(latencies),
        "goodFailed": sum(tally.good_failed for tally in tallies),
        "badAccepted": sum(tally.bad_accepted for tally in tallies),
    }


def _client(
    port: int, path: str, end: float, requests: list[Request], number: int, tally: Tally
) -> None:
    connection: http.client.HTTPConnection | None = None
    while (before := time.perf_counter()) < end:
        request = requests[number % len(requests)]
        number += 1
        try:
            if connection is None:
                connection = http.client.HTTPConnection(
                    "127.0.0.1", port, timeout=_PATIENCE_SECONDS
                )
            connection.request("POST", path, request.body, request.headers)
            answer = connection.getresponse()
            answer.read()
            succeeded = answer.status == 200
        except (OSError, http.client.HTTPException):
            connection, succeeded = None, False
        if succeeded and request.good:
            tally.latencies.append(time.perf_counter() - before)
        tally.good_failed += request.good and not succeeded
        tally.bad_accepted += succeeded and not request.good


def _read(path: Path) -> list[Request]:
    return [
        Request({"Content-Type": r["type"]}, base64.b64decode(r["body"]), r["good"])
        for r in json.loads(path.read_text())
    ]


if __name__ == "__main__":
    print(
        json.dumps(
            run(
                int(sys.argv[1]),
                sys.argv[2],
                int(sys.argv[3]),
                float(sys.argv[4]),
                _read(Path(sys.argv[5])),
            )
        )
    )

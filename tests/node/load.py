"""Load on a service, and a ledger of what became of each request."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.deploy import scoring

QUESTION = json.dumps({"input": "how do i copy an object", "top": 1}).encode()
# Long enough that a client waits for the server most of the time.
MANY_QUESTIONS = json.dumps({"input": ["how do i copy an object"] * 256, "top": 1}).encode()
LIGHT_LOAD_PER_SECOND = 20
_PAUSE_AFTER_A_FAULT_SECONDS = 0.5


@dataclass
class Ledger:
    """What became of each request; none is sent again.

    `refused` are those answered with 503: pods say so that get too little CPU of a busy machine.
    """

    answered: int = 0
    refused: int = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def light_load(url: str, headers: Mapping[str, str] | None = None) -> Iterator[Ledger]:
    """One client that sends requests at a steady, light rate while the body runs."""
    with _clients(url, 1, QUESTION, 1 / LIGHT_LOAD_PER_SECOND, headers) as ledger:
        yield ledger


@contextmanager
def busy_clients(url: str, clients: int, body: bytes = MANY_QUESTIONS) -> Iterator[Ledger]:
    """Clients that each send a request as soon as their last one is answered."""
    with _clients(url, clients, body, 0, None) as ledger:
        yield ledger


@contextmanager
def _clients(
    url: str, clients: int, body: bytes, pause: float, headers: Mapping[str, str] | None
) -> Iterator[Ledger]:
    ledger, stop, lock = Ledger(), threading.Event(), threading.Lock()

    def send() -> None:
        wait = pause
        while not stop.wait(wait):
            wait = pause
            try:
                # A connection of its own for each: kept ones would stay with the old pods.
                scoring.post(f"{url}/score", body, headers=headers)
            except (OSError, scoring.ScoringError) as error:
                wait = _PAUSE_AFTER_A_FAULT_SECONDS
                with lock:
                    if isinstance(error, scoring.ScoringError) and error.code == 503:
                        ledger.refused += 1
                    else:
                        ledger.failed.append(f"{type(error).__name__}: {error}")
            else:
                with lock:
                    ledger.answered += 1

    threads = [threading.Thread(target=send, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield ledger
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=60)

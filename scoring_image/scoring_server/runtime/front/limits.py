"""What a worker's network side holds and how long it waits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

# For the rest of a head after its first byte.
HEAD_SECONDS: Final = 10.0
# For the client to close, after an answer that ends its connection.
CLOSING_SECONDS: Final = 3.0
# Longer than proxies keep an idle connection, so that it is the proxy that closes first and never
# sends a request into a connection that is being closed.
IDLE_SECONDS: Final = 75.0
# A worker that stops keeps idle connections for so long: a request may be on its way.
STOPPING_IDLE_SECONDS: Final = 2.0
# Beyond the places so many more requests are taken as can be computed in this time, which evens out
# bursts of cheap ones; and the weight of the latest request in what one is expected to take.
QUEUE_SECONDS: Final = 0.1
SMOOTHING: Final = 0.05
# After so long a thread that computes gives the interpreter to one that waits for it. The one that
# reads and refuses lets go of it at each call of the system, some four times for a refusal, and
# waits so long each time. (Python's own is 5 ms.)
SWITCH_SECONDS: Final = 0.0001
# What a scoring request may take to be answered in the main thread, which neither reads nor refuses
# meanwhile: small against the 50 ms within which a refusal is promised.
CHEAP_SECONDS: Final = 0.005
# What the kernel keeps of an answer that a client does not take (it doubles the number). Without
# this it keeps up to 4 MB for each connection, which count as the container's memory.
KERNEL_SEND_BYTES: Final = 64 * 1024
# A body or an answer up to this size may wait for a slow client without being counted.
SMALL_BYTES: Final = 64 * 1024


class Gauge(Protocol):
    """Counts up and down."""

    def inc(self) -> None: ...

    def dec(self) -> None: ...


@dataclass(frozen=True)
class FrontSettings:
    """What a worker's network side is told.

    Attributes:
        places: scoring requests in the house at once, those that wait for a thread included.
        most_places: while they are cheap; see QUEUE_SECONDS.
        scoring_threads: threads that work on them.
        other_threads: threads for everything else: probes, metrics, the version.
        connections: at most; beyond that the one that has been idle for longest is closed.
        max_body_bytes: see Inbox.
        held_bytes: what incomplete bodies may occupy, and as much again what clients do not take of
            their answers.
        client_seconds: how long a client may take to send a body, and to take an answer.
        cheap_bytes: how long a request may be that is answered in the main thread if its like took
            little lately; 0: none is.
        in_flight: counts the places that are taken.
        refused: told from time to time how many requests were refused for want of a place.
    """

    places: int
    most_places: int
    scoring_threads: int
    other_threads: int
    connections: int
    max_body_bytes: int
    held_bytes: int
    client_seconds: float
    cheap_bytes: int
    in_flight: Gauge
    refused: Callable[[int], None]

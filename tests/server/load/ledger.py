"""What became of each request."""

from collections import Counter
from dataclasses import dataclass, field

# Statuses of requests that got none: the connection ended without an answer, or never came about;
# the generator had no connection left to send it on.
LOST = 0
UNREACHED = -1
UNSENT = -2


@dataclass
class Entry:
    """One request.

    Attributes:
        sent: when, seconds since the load began.
        seconds: from sending it to its answer.
        status: of the answer; LOST, UNREACHED or UNSENT where there was none.
        retry_after: whether the answer says when to come back.
        port: of the client's end of the connection; 0 where there was none.
    """

    sent: float
    seconds: float
    status: int
    retry_after: bool = False
    port: int = 0


@dataclass
class Ledger:
    """All requests of a load, by their ids.

    Attributes:
        lag_seconds: how much later than planned a request was sent, at worst.
    """

    entries: list[Entry] = field(default_factory=list)
    lag_seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def statuses(self) -> Counter[int]:
        """How many requests got which status."""
        return Counter(entry.status for entry in self.entries)

    @property
    def lost(self) -> int:
        """How many got no answer from the server."""
        return sum(entry.status in {LOST, UNREACHED} for entry in self.entries)

    def rate(self, begin: float, end: float) -> float:
        """200s a second, of the answers that came between these seconds of the load."""
        answered = [entry.sent + entry.seconds for entry in self.entries if entry.status == 200]
        return sum(begin <= at < end for at in answered) / (end - begin)

    def quantile(self, share: float, *, refused: bool = False) -> float:
        """Seconds that this share of the answers took at most: of 200s, or of refusals."""
        seconds = sorted(
            entry.seconds
            for entry in self.entries
            if (entry.status in {429, 503} if refused else entry.status == 200)
        )
        return seconds[min(len(seconds) - 1, int(len(seconds) * share))] if seconds else 0.0

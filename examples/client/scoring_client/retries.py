"""When to try again."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class Retries:
    """How a client waits for a service that is busy, starting or away.

    Waits double from one attempt to the next and are drawn at random, so that many clients do not
    come back at the same time. What the service asks for in Retry-After is waited at least.

    Attributes:
        attempts: at most; 1 is no second one.
        first_seconds: the longest that the first wait may be drawn.
        longest_seconds: the longest that any wait may be drawn.
    """

    attempts: int = 6
    first_seconds: float = 0.2
    longest_seconds: float = 10.0

    def wait_seconds(self, attempt: int, retry_after: str | None) -> float:
        """How long to wait after an attempt that failed.

        Args:
            attempt: 1 after the first.
            retry_after: the header of the refusal, a number of seconds or a date; None without one.
        """
        longest = min(self.longest_seconds, self.first_seconds * 2 ** (attempt - 1))
        return _asked_seconds(retry_after) + random.uniform(0, longest)  # noqa: S311 - no secret


def _asked_seconds(retry_after: str | None) -> float:
    if not retry_after:
        return 0.0
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())

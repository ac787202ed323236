"""What a person sees while something is under way: steps with their seconds, and progress."""

import contextlib
import sys
import time
from collections.abc import Iterator

# Without a terminal a progress line is printed this often, in seconds, so that logs stay short.
_LOG_INTERVAL = 20.0
_TTY_INTERVAL = 0.2


def say(text: str) -> None:
    """Print one line to standard error (standard output is for what other programs read)."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce ``title``; when the body ends, say how many seconds it took or that it failed."""
    started = time.monotonic()
    say(f"• {title} …")
    try:
        yield
    except BaseException as error:
        end = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        say(f"✗ {title}: {end} after {time.monotonic() - started:.1f} s")
        raise
    say(f"✓ {title} ({time.monotonic() - started:.1f} s)")


class Progress:
    """One line that renews itself on a terminal, and a line now and then in a log."""

    def __init__(self, title: str) -> None:
        """Start the clock of ``title``."""
        self._title = title
        self._started = time.monotonic()
        self._is_terminal = sys.stderr.isatty()
        self._printed = self._started
        self._drawn = False

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def update(self, text: str) -> None:
        """Show ``text``, unless the last one was shown a moment ago."""
        now = time.monotonic()
        interval = _TTY_INTERVAL if self._is_terminal else _LOG_INTERVAL
        if now - self._printed < interval:
            return
        self._printed = now
        line = f"  {self._title}: {text}, {self.elapsed:.0f} s"
        if self._is_terminal:
            print(f"\r\x1b[2K{line[:118]}", end="", file=sys.stderr, flush=True)
            self._drawn = True
        else:
            say(line)

    def done(self) -> None:
        """Clear the line on a terminal."""
        if self._drawn:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
            self._drawn = False

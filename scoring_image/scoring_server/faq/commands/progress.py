"""Progress on stderr: a bar on a terminal, now and then a line elsewhere."""

import sys

_WIDTH = 30


class Progress:
    """How much of something is done.

    Args:
        total: the whole, in any unit.
        what: is being done.
        quiet: show nothing.
    """

    def __init__(self, total: int, what: str, *, quiet: bool = False) -> None:
        self._total = max(total, 1)
        self._what = what
        self._quiet = quiet
        self._bar = sys.stderr.isatty()
        # A terminal sees every percent, a log file every tenth.
        self._step = 1 if self._bar else 10
        self._done = 0
        self._shown = -1

    def advance(self, amount: int) -> None:
        """So much more is done."""
        self._done += amount
        percent = min(100, 100 * self._done // self._total)
        percent -= percent % self._step
        if percent > self._shown:
            self._show(percent)

    def finish(self) -> None:
        """All is done, whether or not it was as much as expected."""
        self._show(100)
        if self._bar and not self._quiet:
            sys.stderr.write("\n")

    def _show(self, percent: int) -> None:
        if self._quiet or percent == self._shown:
            return
        self._shown = percent
        if self._bar:
            filled = "#" * (percent * _WIDTH // 100)
            sys.stderr.write(f"\r[{filled:<{_WIDTH}}] {percent:3d}% {self._what}")
        else:
            sys.stderr.write(f"[{percent:3d}%] {self._what}\n")
        sys.stderr.flush()


def show_step(done: int, total: int, what: str) -> None:
    """One of a few steps begins."""
    sys.stderr.write(f"[{done + 1}/{total}] {what}\n")
    sys.stderr.flush()


def warn(message: str) -> None:
    """Tell about what is doubtful but no reason to stop."""
    sys.stderr.write(f"scoring-faq: warning: {message}\n")

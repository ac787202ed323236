"""Chromium without a window, from the system's packages.

`python -m tests.server.ui.browser` installs it where that is possible.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from tests.cluster import packages
from tests.cluster.errors import ClusterError

# What Debian and others call it.
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
# It takes a second or two; the machine may be busy with other tests.
_START_MILLISECONDS: Final = 120_000


def find() -> str | None:
    """Where it is, or None."""
    return next((path for name in _PROGRAMS if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Browser]:
    """A running one. While it runs, asyncio cannot be used in this thread."""
    # Its sandbox does not work for root; it sees nothing but this project's own pages.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=find(), args=arguments, timeout=_START_MILLISECONDS
        )
        try:
            yield running
        finally:
            running.close()


def main() -> int:
    """Install Chromium; where that is not possible say so, as its tests do that are skipped."""
    if find() is None:
        try:
            packages.ensure({"chromium": "chromium"})
        except ClusterError as error:
            print(f"the page's tests will be skipped: {error}", file=sys.stderr)  # noqa: T201
            return 1 if os.environ.get("CI") else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

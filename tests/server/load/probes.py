"""What the kubelet asks, and how long it waits for an answer."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

from tests.server.server_process import ServerProcess

_PERIOD_SECONDS: Final = 0.1
_PATHS: Final = ("/healthz/live", "/healthz/ready")


@dataclass
class Probes:
    """Asks for liveness and readiness in turns, each on a connection of its own.

    Attributes:
        seconds: how long each took; those without an answer count with the time until they failed.
        failed: what did not answer 200.
    """

    server: ServerProcess
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    @property
    def slowest(self) -> float:
        """Seconds of the slowest one."""
        return max(self.seconds)

    def __enter__(self) -> "Probes":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._over.wait(_PERIOD_SECONDS):
            for path in _PATHS:
                started = time.monotonic()
                try:
                    status, _ = self.server.get(path)
                except OSError as error:
                    self.failed.append(f"{path}: {error}")
                else:
                    if status != 200:
                        self.failed.append(f"{path}: {status}")
                self.seconds.append(time.monotonic() - started)

"""How many new connections a turn takes."""

from types import SimpleNamespace
from typing import Any

import pytest

from scoring_server.runtime.front.worker import Worker


@pytest.mark.parametrize(("waiting", "taken"), [(0, 0), (5, 5), (1000, 64)])
def test_a_turn_takes_all_that_wait_up_to_a_number(waiting: int, taken: int) -> None:
    """A turn may be long, as under a flood of requests: one at a time would keep probes waiting."""
    pending = iter(range(waiting))
    begun: list[int] = []
    worker: Any = Worker.__new__(Worker)
    worker._listeners = SimpleNamespace(accept=lambda _fd, _connections: next(pending, None))
    worker._connections = ()
    worker._begin = begun.append
    worker._accept(7)
    assert begun == list(range(taken))

"""Free TCP ports on the loopback address."""

import contextlib
import random
import socket

# Below the range from which the kernel takes the ports of outgoing connections (32768 and up), so
# that no connection grabs one between our look and the component's start.
_RANGE = range(20000, 32000)


def free_ports(count: int, taken: frozenset[int] = frozenset()) -> list[int]:
    """Return ``count`` ports on which nothing listens and that ``taken`` lacks."""
    found: list[int] = []
    candidates = random.sample(_RANGE, len(_RANGE))
    for port in candidates:
        if len(found) == count:
            break
        if port not in taken and _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

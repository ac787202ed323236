"""The few calls to the API server that starting a cluster needs."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster.errors import ClusterError

_POLL_SECONDS = 0.1


class ApiClient:
    """JSON over HTTPS with a client certificate."""

    def __init__(self, server: str, certificates: Path, client: str = "admin") -> None:
        """Talk to ``server`` as ``client``, whose certificate lies in the folder."""
        self._server = server
        tls = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        tls.load_cert_chain(certificates / f"{client}.crt", certificates / f"{client}.key")
        # Without proxies: the address is this machine's, whatever the environment says.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
        )

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> Any:
        """Return the answer's JSON (or text); raise ``urllib.error.HTTPError`` or ``OSError``."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._server + path, data=data, method=method, headers={"Content-Type": content_type}
        )
        with self._opener.open(request, timeout=10) as response:
            text = response.read().decode()
            is_json = "json" in response.headers.get("Content-Type", "")
            return json.loads(text) if is_json else text

    def get(self, path: str) -> Any:
        """Read ``path``."""
        return self.request("GET", path)

    def apply(self, path: str, manifest: object) -> None:
        """Create or update one object by server-side apply."""
        query = "?fieldManager=scoring-cluster&force=true"
        self.request("PATCH", path + query, manifest, "application/apply-patch+yaml")

    def succeeds(self, path: str) -> bool:
        """Say whether reading ``path`` answers 2xx."""
        try:
            self.get(path)
        except (OSError, ValueError):  # HTTPError is an OSError
            return False
        return True


def wait_until(
    condition: Callable[[], bool], what: str, seconds: float, check: Callable[[], None]
) -> None:
    """Poll ``condition`` for so long; ``check`` may raise early; ``what`` says what is missing.

    A request that fails counts as "not yet": on a busy machine one may take too long.
    """
    deadline = time.monotonic() + seconds
    while not _holds(condition):
        check()
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not within {seconds:.0f} s")
        time.sleep(_POLL_SECONDS)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except OSError:  # HTTPError is one
        return False

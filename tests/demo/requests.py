"""Scoring requests through `kubectl port-forward`, which works on every cluster."""

import contextlib
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from tests.cluster.errors import ClusterError
from tests.demo.target import Target

_TIMEOUT_SECONDS = 60


@contextlib.contextmanager
def forwarded(target: Target, service: str) -> Iterator[str]:
    """The service's address on this machine while the body runs."""
    command = target.command(
        "kubectl", "--namespace", target.namespace, "port-forward", f"service/{service}", ":80"
    )
    with subprocess.Popen(
        command, env=dict(target.environment), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            match = re.search(r"127\.0\.0\.1:(\d+)", line)
            if match is None:
                raise ClusterError(f"cannot forward a port to service/{service}")
            yield f"http://127.0.0.1:{match[1]}"
        finally:
            process.terminate()


def get(url: str) -> Any:
    """The JSON behind an address."""
    return _open(urllib.request.Request(url))


def post(url: str, body: bytes, content_type: str) -> Any:
    """The JSON answer to a POST."""
    return _open(urllib.request.Request(url, data=body, headers={"Content-Type": content_type}))


def _open(request: urllib.request.Request) -> Any:
    # The address is this machine's: a proxy from the environment would not find it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise ClusterError(f"{request.full_url}: {error.code} {error.read().decode()}") from None

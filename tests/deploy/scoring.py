"""Scoring requests through `kubectl port-forward`, which works on every cluster."""

import contextlib
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from tests.cluster.errors import ClusterError
from tests.deploy.target import Target

_TIMEOUT_SECONDS = 60


class ScoringError(ClusterError):
    """The server answered with an error."""

    def __init__(self, code: int, body: Any) -> None:
        """The HTTP status and the answer's JSON."""
        super().__init__(f"{code} {body}")
        self.code = code
        self.body = body


@contextlib.contextmanager
def forwarded(target: Target, service: str, namespace: str = "default") -> Iterator[str]:
    """A service's address on this machine while the body runs."""
    command = target.command(
        "kubectl", "--namespace", namespace, "port-forward", f"service/{service}", ":80"
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
    return json.loads(text(url))


def text(url: str) -> str:
    """The text behind an address.

    Raises:
        ScoringError: with the status and the JSON of an error.
    """
    return _open(urllib.request.Request(url))


def post(
    url: str,
    body: bytes,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Any:
    """The JSON answer to a POST.

    Raises:
        ScoringError: with the status and the JSON of an error.
    """
    sent = {"Content-Type": content_type, **(headers or {})}
    return json.loads(_open(urllib.request.Request(url, data=body, headers=sent)))


def _open(request: urllib.request.Request) -> str:
    # The address is this machine's or the cluster's: a proxy of the environment would not find it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            answer: str = response.read().decode()
            return answer
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        try:
            body = json.loads(text)
        except ValueError:
            body = text
        raise ScoringError(error.code, body) from None

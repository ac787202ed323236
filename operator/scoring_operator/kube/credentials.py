"""Who we are to the API server, and how to reach it.

In a pod the ServiceAccount's files are read directly; its token rotates, so the file is read
again. Outside, a kubeconfig (see `kubeconfig.py`).
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TOKEN_REFRESH_SECONDS = 60.0  # the kubelet renews a token when 80 % of its life (>= 10 min) is over


class CredentialsError(Exception):
    """There is no usable way to log in; the message says what was tried."""


@dataclass(frozen=True)
class Credentials:
    """How to reach one API server.

    `authorization` gives the value of the Authorization header, or None where the client
    certificate in `tls` says who we are; it may block for a moment (a file, an exec plugin).
    """

    server: str
    tls: ssl.SSLContext | None
    authorization: Callable[[], str | None]
    namespace: str = "default"
    proxy: str | None = None
    server_hostname: str | None = None


class CachedToken:
    """A bearer token that is read again when it is older than a minute, or was refused."""

    def __init__(
        self, read: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._token = ""
        self._read_at = float("-inf")

    def __call__(self) -> str:
        """`Bearer <token>`, from the last minute."""
        now = self._clock()
        if now - self._read_at >= TOKEN_REFRESH_SECONDS:
            self._token = self._read().strip()
            self._read_at = now
        return f"Bearer {self._token}"


def in_cluster(directory: Path = SERVICE_ACCOUNT) -> Credentials:
    """The pod's ServiceAccount. Raises CredentialsError outside of a pod."""
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    token = directory / "token"
    if not host or not token.is_file():
        raise CredentialsError("not in a pod: no KUBERNETES_SERVICE_HOST or no token file")
    namespace = directory / "namespace"
    return Credentials(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        tls=ssl.create_default_context(cafile=str(directory / "ca.crt")),
        authorization=CachedToken(token.read_text),
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
    )


def load_credentials(kubeconfig: str | None = None, context: str | None = None) -> Credentials:
    """The kubeconfig that is named, else the pod's ServiceAccount, else $KUBECONFIG or ~/.kube.

    Raises CredentialsError with what was tried.
    """
    named = kubeconfig or os.environ.get("KUBECONFIG")
    if not named and not context:
        try:
            return in_cluster()
        except CredentialsError:
            pass
    # Imported only here: a pod does not need YAML or the kubeconfig's rules.
    from scoring_operator.kube.kubeconfig import from_kubeconfig

    return from_kubeconfig(named, context)

"""Traefik as a plain process on this machine, which the cluster's pods and Services are routed to.

Set up as by its Helm chart: entry points web and websecure, on the ports 80 and 443 of an address.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.node.exposure import downloads

_DEADLINE_SECONDS = 90.0

GATEWAY_PROVIDER = "kubernetesgateway"
NGINX_PROVIDER = "kubernetesingressnginx"

# Each provider takes the Ingresses of the class that its controller's name tells.
CLASSES = """\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: traefik}
spec: {controller: traefik.io/ingress-controller}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
"""


def _options(provider: str, address: str) -> dict[str, str]:
    if provider == GATEWAY_PROVIDER:
        return {"statusaddress.ip": address}
    return {
        "publishstatusaddress": address,
        "httpentrypoint": "web",
        "httpsentrypoint": "websecure",
    }


@contextlib.contextmanager
def running(
    kubeconfig: Path, address: str, log: Path, providers: Iterable[str] = ()
) -> Iterator[None]:
    """Traefik on the ports 80 and 443 of `address` while the body runs.

    It has its own providers for Ingresses and Middlewares, and `providers` besides.
    """
    options = [
        "--log.level=DEBUG",
        f"--entrypoints.web.address={address}:80",
        f"--entrypoints.websecure.address={address}:443",
        "--providers.kubernetescrd=true",
        "--providers.kubernetesingress=true",
        "--providers.kubernetesingress.ingressclass=traefik",
        f"--providers.kubernetesingress.ingressendpoint.ip={address}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    for provider in providers:
        options.append(f"--providers.{provider}=true")
        settings = _options(provider, address).items()
        options += [f"--providers.{provider}.{key}={value}" for key, value in settings]
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [downloads.traefik(), *options],
            env=environment,
            cwd=log.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _wait(process, address, log)
            yield
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection((address, 443), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise ClusterError(f"Traefik did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)

"""Traefik as a plain process on this machine, which the cluster's pods and Services are routed to.

It is ingress controller for the class `traefik` and controller of a GatewayClass, as the Helm chart
sets it up: entry points web and websecure, on the ports 80 and 443 of one address.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.node.exposure import downloads

_DEADLINE_SECONDS = 30.0

CLASS = """\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: traefik}
spec: {controller: traefik.io/ingress-controller}
"""


@contextlib.contextmanager
def running(kubeconfig: Path, address: str, log: Path, *, gateway: bool) -> Iterator[None]:
    """Traefik on the ports 80 and 443 of `address` while the body runs."""
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
    if gateway:
        options += [
            "--providers.kubernetesgateway=true",
            f"--providers.kubernetesgateway.statusaddress.ip={address}",
        ]
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

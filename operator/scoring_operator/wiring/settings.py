"""What an operator process is told when it starts."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass, field

from scoring_operator.manifests import Platform

DEFAULT_PORT = 8081
DEFAULT_WORKERS = 16
LEASE_NAME = "scoring-operator"


def own_identity() -> str:
    """A name for this process that no other one has, also after a restart in the same pod."""
    return f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Settings:
    """The settings of `scoring-operator run`; the command line documents each."""

    namespaces: tuple[str, ...] = ()
    """Empty: all of them."""
    platform: Platform = field(default_factory=Platform)
    workers: int = DEFAULT_WORKERS
    leader_election: bool = True
    lease_name: str = LEASE_NAME
    lease_namespace: str | None = None
    """None: the namespace of the credentials."""
    port: int = DEFAULT_PORT
    log_level: str = "info"
    kubeconfig: str | None = None
    context: str | None = None
    requests_per_second: float = 1000.0
    identity: str = field(default_factory=own_identity)

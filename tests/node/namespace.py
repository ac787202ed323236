"""A namespace of one test, and what a test does there."""

import contextlib
import json
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from scoring_operator.api import API_VERSION, KIND
from tests.cluster.errors import ClusterError
from tests.deploy.target import Target

T = TypeVar("T")


@dataclass(frozen=True)
class Namespace:
    """A namespace on a cluster."""

    target: Target
    name: str

    def create(self) -> None:
        """Make it, with Pod Security `restricted` enforced."""
        enforce = "pod-security.kubernetes.io/enforce"
        self.target.run("kubectl", "create", "namespace", self.name)
        self.target.run("kubectl", "label", "namespace", self.name, f"{enforce}=restricted")
        # Without its ServiceAccount it refuses pods, which would be told as a trouble.
        account = ("get", "serviceaccount", "default", "--output", "name")
        assert poll(lambda: self.run(*account) or None, 60), "no ServiceAccount"

    def delete(self) -> None:
        """Remove it with all that is in it, without waiting for its pods' grace periods."""
        self.run("delete", "pods", "--all", "--force", "--grace-period=0", "--wait=false")
        self.target.run("kubectl", "delete", "namespace", self.name, "--wait=false")

    def run(self, *command: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace."""
        return self.target.run("kubectl", "--namespace", self.name, *command, stdin=stdin)

    def apply(self, manifest: Mapping[str, Any]) -> str:
        """`kubectl apply` a manifest."""
        return self.run("apply", "--filename", "-", stdin=json.dumps(manifest))

    def serve(self, name: str, **spec: Any) -> None:
        """Apply a ScoringService; small FAQ pods unless told."""
        full = {"model": {"type": "faq-matching"}, "resources": SMALL, **spec}
        self.apply(
            {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": full}
        )

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """An object as it is now."""
        found: dict[str, Any] = json.loads(self.run("get", kind, name, "--output", "json"))
        return found

    def conditions(self, name: str) -> dict[str, dict[str, Any]]:
        """The conditions of a ScoringService by type, once they are about its current spec."""
        found = self.get("scoringservice", name)
        status = found.get("status", {})
        if status.get("observedGeneration") != found["metadata"]["generation"]:
            return {}
        return {item["type"]: item for item in status["conditions"]}

    def wait_ready(self, name: str, seconds: float = 300) -> None:
        """Wait until a ScoringService is Ready; fails with its last condition."""
        self.wait_for(name, lambda ready: ready["status"] == "True", seconds)

    def wait_reason(self, name: str, reason: str, seconds: float = 240) -> dict[str, Any]:
        """Wait until Ready has this reason; the condition."""
        return self.wait_for(name, lambda ready: ready["reason"] == reason, seconds)

    def wait_for(
        self, name: str, holds: Callable[[Mapping[str, Any]], bool], seconds: float
    ) -> dict[str, Any]:
        """Wait until the Ready condition is as wanted; the condition."""
        seen: list[Any] = []

        def look() -> dict[str, Any] | None:
            ready = self.conditions(name).get("Ready")
            seen.append(ready)
            return ready if ready is not None and holds(ready) else None

        found = poll(look, seconds)
        assert found is not None, f"{name} after {seconds} s: {seen[-1]}"
        return found

    def url(self, name: str) -> str:
        """A Service's cluster address, which this machine reaches on the embedded cluster.

        Waits until the address accepts connections: kube-proxy follows the pods' readiness. A
        connection begun before that is lost for good, as the kernel has already decided where
        its packets go; so each attempt is a short one, from a new port.
        """
        spec = self.get("service", name)["spec"]
        address, port = spec["clusterIP"], spec["ports"][0]["port"]

        def accepts() -> bool | None:
            with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
                return True
            return None

        assert poll(accepts, 90), f"service {name} accepts no connection at {address}:{port}"
        return f"http://{address}:{port}"

    def pods(self, name: str) -> list[dict[str, Any]]:
        """The pods of a ScoringService."""
        selector = f"scoring.dev/name={name}"
        found = json.loads(self.run("get", "pods", "--selector", selector, "--output", "json"))
        return list(found["items"])


# Small enough for several services side by side on two cores.
SMALL = {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


def available(namespace: Namespace, name: str) -> bool | None:
    """True if pods of a ScoringService serve; None if not (for `poll`)."""
    condition = namespace.conditions(name).get("Available", {})
    return condition.get("status") == "True" or None


def poll(look: Callable[[], T | None], seconds: float, pause: float = 0.5) -> T | None:
    """What `look` returns as soon as that is not None; None after the time is over.

    A call that fails counts as None: the API server may be busy, an object not there yet.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except ClusterError:
            found = None
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(pause)

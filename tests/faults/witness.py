"""Sees every version of the resources and their Deployments, whatever the operator sees."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from tests.e2e.api import PATHS, Api, Object

_KINDS = ("ScoringService", "Deployment")


class Witness:
    """Follows a namespace while it is entered; what it says may be a moment old."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._namespace = namespace
        self._apis = {kind: Api(kubeconfig) for kind in _KINDS}
        self._observed: dict[str, int] = {}  # by uid
        self._fallen: dict[str, str] = {}
        self._fewest: dict[str, int] = {}
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Witness:
        for kind, api in self._apis.items():
            path = f"{PATHS[kind].format(self._namespace)}?watch=true&timeoutSeconds=7200"
            lines = api.stream(path)
            thread = threading.Thread(target=self._follow, args=(kind, lines), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for api in self._apis.values():
            api.hang_up()
        for thread in self._threads:
            thread.join(timeout=10)

    def forget(self) -> None:
        """Look anew for the fewest replicas."""
        self._fewest.clear()

    def fewest_replicas(self, name: str) -> int | None:
        """The fewest that a Deployment was to have; None if it has not changed."""
        return self._fewest.get(name)

    def complaints(self, name: str) -> list[str]:
        """What no version of a resource should have said."""
        return [self._fallen[name]] if name in self._fallen else []

    def _follow(self, kind: str, lines: http.client.HTTPResponse) -> None:
        for event in _events(lines):
            if event["type"] not in ("ADDED", "MODIFIED"):
                continue
            obj = event["object"]
            if kind == "Deployment":
                self._see_deployment(obj)
            else:
                self._see_resource(obj)

    def _see_deployment(self, deployment: Object) -> None:
        name, replicas = deployment["metadata"]["name"], deployment["spec"]["replicas"]
        self._fewest[name] = min(self._fewest.get(name, replicas), replicas)

    def _see_resource(self, resource: Object) -> None:
        metadata = resource["metadata"]
        observed = resource.get("status", {}).get("observedGeneration", 0)
        before = self._observed.get(metadata["uid"], 0)
        if observed < before:
            self._fallen[metadata["name"]] = f"observedGeneration fell from {before} to {observed}"
        self._observed[metadata["uid"]] = observed


def _events(lines: http.client.HTTPResponse) -> Iterator[Object]:
    try:
        for line in lines:
            yield json.loads(line)
    except (OSError, http.client.HTTPException, ValueError):
        return  # it was hung up

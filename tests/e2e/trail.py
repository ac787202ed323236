"""Every version of an object, as a watch delivers them: nothing happens between two looks."""

from __future__ import annotations

import http.client
import json
import threading
from pathlib import Path
from types import TracebackType

from tests.e2e.api import PATHS, Api, Object, eventually


class Trail:
    """The versions of one object from `with` on; each has a resourceVersion of its own."""

    def __init__(self, kubeconfig: Path, kind: str, namespace: str, name: str) -> None:
        self._api = Api(kubeconfig)
        version = self._api.get(kind, namespace, name)["metadata"]["resourceVersion"]
        self._first = int(version)
        path = f"{PATHS[kind].format(namespace)}?watch=true&fieldSelector=metadata.name%3D{name}"
        self._lines = self._api.stream(f"{path}&resourceVersion={version}&timeoutSeconds=7200")
        self.versions: list[Object] = []
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Trail:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended = True
        self._api.hang_up()
        self._thread.join(timeout=10)

    def follow(self, version: Object) -> None:
        """Wait until the watch has delivered this version of the object."""
        wanted = int(version["metadata"]["resourceVersion"])

        def arrived() -> bool:
            latest = self.versions[-1] if self.versions else {}
            return int(latest.get("metadata", {}).get("resourceVersion", 0)) >= wanted

        # A version that was there before the trail began is not delivered.
        if wanted > self._first:
            eventually(arrived, "the watch has told all")

    def replicas(self) -> list[int]:
        """The replicas that were asked for, version by version."""
        return [version["spec"]["replicas"] for version in self.versions]

    def _read(self) -> None:
        try:
            for line in self._lines:
                event = json.loads(line)
                assert event["type"] in ("ADDED", "MODIFIED"), event
                self.versions.append(event["object"])
        except (OSError, http.client.HTTPException):
            assert self._ended, "the watch broke off"

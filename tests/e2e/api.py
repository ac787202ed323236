"""A plain client for tests: JSON over one kept connection, as the user who owns the cluster."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from scoring_operator.controller.children import CHILDREN
from scoring_operator.kube.kubeconfig import from_kubeconfig

Value = TypeVar("Value")
Object = dict[str, Any]

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

PATHS = {
    **{kind: f"{type_.root}/namespaces/{{}}/{type_.plural}" for kind, type_ in CHILDREN.items()},
    "Pod": "/api/v1/namespaces/{}/pods",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "ScoringService": "/apis/scoring.dev/v1alpha1/namespaces/{}/scoringservices",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
    "ResourceQuota": "/api/v1/namespaces/{}/resourcequotas",
}


# How long what must come is waited for, on a machine that has other work to do.
PATIENCE_SECONDS = 60.0
_TIMEOUT_SECONDS = 60.0


class Refused(Exception):
    """The API server said no; `code` is the HTTP status, the text its message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Api:
    """The API server of one cluster, with its paths by kind."""

    def __init__(self, kubeconfig: Path) -> None:
        credentials = from_kubeconfig(str(kubeconfig), None)
        address = urlsplit(credentials.server)
        self._authorization = credentials.authorization
        self._connection: http.client.HTTPConnection
        if credentials.tls is None:
            self._connection = http.client.HTTPConnection(
                str(address.netloc), timeout=_TIMEOUT_SECONDS
            )
        else:
            self._connection = http.client.HTTPSConnection(
                str(address.netloc), timeout=_TIMEOUT_SECONDS, context=credentials.tls
            )

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
    ) -> Any:
        """The parsed answer; Refused for 4xx and 5xx.

        As every client does, it asks again where the API server is busy, or still makes the storage
        of a CRD's kind (429).
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, text = self._exchange(method, path, body, content_type)
            if status != 429 or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        try:
            answer = json.loads(text)
        except ValueError:  # a group that is not known (yet) is told in plain text
            answer = {"message": text}
        if status >= 400:
            raise Refused(status, answer.get("message", str(answer)))
        return answer

    def _exchange(self, method: str, path: str, body: object, content_type: str) -> tuple[int, str]:
        """Status and text of the answer."""
        headers = {"Content-Type": content_type, "User-Agent": "test"}
        if (authorization := self._authorization()) is not None:
            headers["Authorization"] = authorization
        data = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, data, headers)
            response = self._connection.getresponse()
        except (ConnectionError, ssl.SSLEOFError):  # it was idle for too long
            self._connection.close()
            self._connection.request(method, path, data, headers)
            response = self._connection.getresponse()
        return response.status, response.read().decode()

    def stream(self, path: str) -> http.client.HTTPResponse:
        """The lines of a watch; this client can do nothing else from then on."""
        authorization = self._authorization()
        headers = {"Authorization": authorization} if authorization is not None else {}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self._connection.request("GET", path, headers=headers)
            response = self._connection.getresponse()
            if response.status == 200:
                # Nothing may happen for as long as it likes.
                self._connection.sock.settimeout(None)
                return response
            text = response.read()
            # The storage of a CRD's kind is still being made.
            assert response.status == 429, text
            assert time.monotonic() < deadline, text
            time.sleep(0.2)

    def hang_up(self) -> None:
        """End a stream, also for a thread that waits for its next line."""
        sock: socket.socket = self._connection.sock
        with contextlib.suppress(OSError):  # the API server has ended it already
            sock.shutdown(socket.SHUT_RDWR)

    def get(self, kind: str, namespace: str, name: str) -> Object:
        """An object."""
        found: Object = self.request("GET", f"{PATHS[kind].format(namespace)}/{name}")
        return found

    def find(self, kind: str, namespace: str, name: str) -> Object | None:
        """An object, or None."""
        try:
            return self.get(kind, namespace, name)
        except Refused as refused:
            if refused.code == 404:
                return None
            raise

    def list(self, kind: str, namespace: str) -> list[Object]:
        """All objects of a kind in a namespace."""
        found: list[Object] = self.request("GET", PATHS[kind].format(namespace))["items"]
        return found

    def create(self, obj: Object) -> Object:
        """Create an object, as a user with kubectl would; unknown fields are refused."""
        path = PATHS[obj["kind"]].format(obj["metadata"]["namespace"])
        created: Object = self.request("POST", f"{path}?fieldValidation=Strict", obj)
        return created

    def apply(self, obj: Object, manager: str = "user") -> Object:
        """Server-side apply, as a GitOps tool would; unknown fields are refused."""
        metadata = obj["metadata"]
        path = f"{PATHS[obj['kind']].format(metadata['namespace'])}/{metadata['name']}"
        query = urlencode({"fieldManager": manager, "force": "true", "fieldValidation": "Strict"})
        applied: Object = self.request("PATCH", f"{path}?{query}", obj, APPLY)
        return applied

    def patch(self, kind: str, namespace: str, name: str, patch: Object) -> Object:
        """A merge patch, as with `kubectl edit`."""
        path = f"{PATHS[kind].format(namespace)}/{name}?fieldManager=kubectl-edit"
        patched: Object = self.request("PATCH", path, patch, MERGE)
        return patched

    def delete(self, kind: str, namespace: str, name: str, policy: str = "Background") -> None:
        """Delete an object."""
        path = f"{PATHS[kind].format(namespace)}/{name}?propagationPolicy={policy}"
        self.request("DELETE", path)

    def create_namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        """A namespace that takes pods: without its ServiceAccount it refuses them."""
        metadata = {"name": name, "labels": labels or {}}
        self.request(
            "POST",
            "/api/v1/namespaces",
            {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata},
        )
        path = f"/api/v1/namespaces/{name}/serviceaccounts"

        def has_account() -> bool:
            found = self.request("GET", path)["items"]
            return any(account["metadata"]["name"] == "default" for account in found)

        eventually(has_account, "the namespace has its ServiceAccount")


def eventually(
    check: Callable[[], Value], what: str, seconds: float = PATIENCE_SECONDS, pause: float = 0.01
) -> Value:
    """The first truthy result of `check`; fails after `seconds` with `what` and the last result."""
    deadline = time.monotonic() + seconds
    while not (result := check()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what} (last: {result!r})"
        time.sleep(pause)
    return result


def stays(check: Callable[[], bool], what: str, seconds: float) -> None:
    """Fails as soon as `check` is false within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert check(), f"did not stay so for {seconds} s: {what}"
        time.sleep(0.05)


def audit_lines(log: Path, offset: int = 0) -> Iterator[Object]:
    """The events of an audit log since `offset` bytes; a line that is being written is left out."""
    with log.open() as lines:
        lines.seek(offset)
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)


def audited(
    log: Path, offset: int = 0, *, namespace: str | None = None, agent: str = "scoring-operator"
) -> Iterator[Object]:
    """A client's requests since `offset` bytes of the audit log, without watches and Leases.

    With `namespace` only the requests for objects in it; lists of all namespaces are left out then.
    """
    for event in audit_lines(log, offset):
        reference = event.get("objectRef") or {}
        if not event.get("userAgent", "").startswith(agent):
            continue
        if namespace is not None and reference.get("namespace") != namespace:
            continue
        if event["verb"] == "watch" or reference.get("resource") in (None, "leases"):
            continue
        yield event


def call(event: Object) -> str:
    """An audited request in words: `patch deployments`, `patch scoringservices/status`."""
    reference = event["objectRef"]
    sub = f"/{reference['subresource']}" if "subresource" in reference else ""
    return f"{event['verb']} {reference['resource']}{sub}"


def condition(resource: Object | None, kind: str) -> Object:
    """A condition of a resource's status, or an empty one."""
    status = (resource or {}).get("status", {})
    return next((item for item in status.get("conditions", ()) if item["type"] == kind), {})

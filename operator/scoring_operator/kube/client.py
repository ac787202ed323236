"""A small asynchronous client for the Kubernetes API.

Plain aiohttp rather than the generated client: dicts are all we need, and a call costs a third of
the CPU. Writes are server-side applies and merge patches of one field manager.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from scoring_operator.kube.credentials import Credentials
from scoring_operator.kube.errors import (
    ApiError,
    ServerError,
    TooManyRequests,
    Unreachable,
    error_from,
)
from scoring_operator.kube.fence import FencedBody, NotPermitted
from scoring_operator.kube.limits import RateLimit
from scoring_operator.kube.resources import ResourceType
from scoring_operator.kube.transport import open_session

Object = dict[str, Any]
Observer = Callable[[str, str, int, float], None]
"""Called after each request with verb, resource, HTTP status (0 = no answer) and seconds."""

APPLY = "application/apply-patch+yaml"  # JSON is YAML
MERGE = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

# The server's own limit on ordinary requests is 60 s; what takes half of that is not coming.
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
ATTEMPTS = 4
LONGEST_RETRY_AFTER_SECONDS = 30.0


class Client:
    """Reads and writes objects as dicts; raises ApiError subclasses.

    429 and 503 with Retry-After are obeyed, up to three times; a connection that broke is tried
    again once. `permit` is asked before every write, and once more when its bytes are about to
    leave: a process that was paused for longer than its lease must not write when it wakes up.
    Close with `close()` or `async with`.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        field_manager: str,
        concurrency: int = 32,
        requests_per_second: float = 1000.0,
        permit: Callable[[], bool] = lambda: True,
        observe: Observer = lambda verb, resource, code, seconds: None,
    ) -> None:
        self._credentials = credentials
        self._manager = field_manager
        self._session = open_session(credentials, connections=concurrency)
        self._slots = asyncio.Semaphore(concurrency)
        self._rate = RateLimit(requests_per_second, burst=int(2 * requests_per_second))
        self._permit = permit
        self._observe = observe

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def get(
        self,
        resource: ResourceType,
        namespace: str | None,
        name: str,
        *,
        metadata_only: bool = False,
    ) -> Object:
        """The object as it is now (a quorum read); `metadata_only` leaves spec and data out."""
        body, _ = await self._send(
            "get",
            resource.plural,
            resource.path(namespace, name),
            accept=METADATA_ONLY if metadata_only else None,
        )
        return body

    async def list(
        self, resource: ResourceType, namespace: str | None = None, *, label_selector: str = ""
    ) -> list[Object]:
        """All objects of a namespace, or of the cluster; apiVersion and kind filled in."""
        query = {"labelSelector": label_selector} if label_selector else {}
        body, _ = await self._send("list", resource.plural, resource.path(namespace), query=query)
        named = {"apiVersion": resource.api_version, "kind": resource.kind}
        return [{**named, **item} for item in body.get("items") or ()]

    async def group_versions(self) -> frozenset[str]:
        """What API groups the server serves, by version (`apps/v1`); not the core group."""
        found, _ = await self._send("discover", "groups", "/apis")
        return frozenset(
            str(version["groupVersion"])
            for group in found.get("groups") or ()
            for version in group.get("versions") or ()
        )

    async def discover(self, resource: ResourceType) -> bool:
        """Whether the API server serves this kind."""
        found, _ = await self._send("discover", resource.plural, resource.root)
        return any(item.get("name") == resource.plural for item in found.get("resources") or ())

    async def create(
        self, resource: ResourceType, namespace: str | None, manifest: Mapping[str, Any]
    ) -> Object:
        """Create the object; AlreadyExists where the name is taken. Never sent twice."""
        body, _ = await self._send(
            "create",
            resource.plural,
            resource.path(namespace),
            method="POST",
            query={"fieldManager": self._manager},
            payload=manifest,
            resend=False,
        )
        return body

    async def replace(
        self, resource: ResourceType, namespace: str | None, manifest: Mapping[str, Any]
    ) -> Object:
        """PUT the whole object; with its resourceVersion, Conflict where it has changed."""
        body, _ = await self._send(
            "update",
            resource.plural,
            resource.path(namespace, manifest["metadata"]["name"]),
            method="PUT",
            query={"fieldManager": self._manager},
            payload=manifest,
        )
        return body

    async def apply(
        self,
        resource: ResourceType,
        manifest: Mapping[str, Any],
        *,
        force: bool,
        manager: str | None = None,
    ) -> tuple[Object, bool]:
        """Server-side apply; the object and whether this created it.

        Without `force`, fields that others own are a Conflict, and the request is never sent
        twice, so that "created" can be believed. `metadata.uid` and `metadata.resourceVersion` in
        the manifest are preconditions. `manager` is another field manager than the client's own.
        """
        metadata = manifest["metadata"]
        body, code = await self._send(
            "apply",
            resource.plural,
            resource.path(metadata.get("namespace"), metadata["name"]),
            method="PATCH",
            query={
                "fieldManager": manager or self._manager,
                "force": "true" if force else "false",
            },
            payload=manifest,
            content_type=APPLY,
            resend=force,
        )
        return body, code == 201

    async def patch_status(
        self, resource: ResourceType, namespace: str | None, name: str, patch: Mapping[str, Any]
    ) -> Object:
        """Merge-patch the status subresource; `metadata.resourceVersion` is a precondition."""
        return await self._merge(resource, resource.path(namespace, name, "status"), patch)

    async def patch(
        self, resource: ResourceType, namespace: str | None, name: str, patch: Mapping[str, Any]
    ) -> Object:
        """Merge-patch the object; uid and resourceVersion in its metadata are preconditions."""
        return await self._merge(resource, resource.path(namespace, name), patch)

    async def _merge(self, resource: ResourceType, path: str, patch: Mapping[str, Any]) -> Object:
        body, _ = await self._send(
            "patch",
            resource.plural,
            path,
            method="PATCH",
            query={"fieldManager": self._manager},
            payload=patch,
            content_type=MERGE,
        )
        return body

    async def delete(
        self,
        resource: ResourceType,
        namespace: str | None,
        name: str,
        *,
        uid: str,
        resource_version: str,
    ) -> None:
        """Delete exactly this version of this object, in the background; else Conflict."""
        await self._send(
            "delete",
            resource.plural,
            resource.path(namespace, name),
            method="DELETE",
            payload={
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "propagationPolicy": "Background",
                "preconditions": {"uid": uid, "resourceVersion": resource_version},
            },
        )

    async def _send(
        self,
        verb: str,
        plural: str,
        path: str,
        *,
        method: str = "GET",
        query: Mapping[str, str] | None = None,
        payload: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
        resend: bool = True,
    ) -> tuple[Object, int]:
        headers = {} if payload is None else {"Content-Type": content_type}
        if accept is not None:
            headers["Accept"] = accept
        raw = None if payload is None else json.dumps(payload, separators=(",", ":")).encode()
        attempt = 0
        while True:
            attempt += 1
            await self._rate.acquire()
            async with self._slots:
                if method != "GET" and not self._permit():
                    raise NotPermitted("this process is not the leader and may not write")
                started = time.perf_counter()
                code = 0
                data = None if raw is None else FencedBody(raw, self._permit)
                try:
                    code, body = await self._exchange(method, path, query, headers, data)
                    error = _error(code, body)
                except (aiohttp.ClientError, TimeoutError) as failure:
                    if isinstance(failure.__cause__, NotPermitted):
                        raise failure.__cause__ from None
                    error = Unreachable(f"{method} {path}: {failure or type(failure).__name__}")
                    error.__cause__ = failure
                self._observe(verb, plural, code, time.perf_counter() - started)
            if error is None:
                return body, code
            await self._wait_or_raise(error, attempt, resend)

    async def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str],
        data: FencedBody | None,
    ) -> tuple[int, Any]:
        async with self._session.request(
            method,
            self._credentials.server + path,
            params=query,
            headers=headers,
            data=data,
            timeout=TIMEOUT,
        ) as response:
            raw = await response.read()
            if response.status < 400:
                return response.status, json.loads(raw)
            return response.status, (raw, response.headers.get("Retry-After"))

    @staticmethod
    async def _wait_or_raise(error: ApiError, attempt: int, resend: bool) -> None:
        """Sleep before the next attempt, or raise the error if there is to be none."""
        if attempt >= ATTEMPTS:
            raise error
        refused_unseen = isinstance(error, TooManyRequests)
        in_trouble = isinstance(error, ServerError) and resend  # may have been done all the same
        if (refused_unseen or in_trouble) and error.retry_after is not None:
            # With jitter, so that many clients do not come back at once.
            wait = min(error.retry_after, LONGEST_RETRY_AFTER_SECONDS)
            await asyncio.sleep(wait * random.uniform(1.0, 1.25))  # noqa: S311  # not a secret
        elif (
            isinstance(error, Unreachable)
            and resend
            and attempt == 1
            and isinstance(error.__cause__, aiohttp.ServerDisconnectedError | ConnectionResetError)
        ):
            await asyncio.sleep(0)  # an idle connection that the server had closed
        else:
            raise error


def _error(code: int, body: Any) -> ApiError | None:
    if code < 400:
        return None
    raw, retry_after = body
    try:
        parsed: object = json.loads(raw)
    except ValueError:
        parsed = raw.decode("utf-8", "replace")
    return error_from(code, parsed, retry_after)

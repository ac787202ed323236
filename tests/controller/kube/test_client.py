"""The client: what it sends, how it fails, and when it tries again."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from scoring_operator.kube import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Client,
    Conflict,
    Credentials,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ResourceType,
    ServerError,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from scoring_operator.kube.fence import NotPermitted
from tests.controller.kube.conftest import Server, answer, status

DEPLOYMENTS = ResourceType("apps/v1", "Deployment", "deployments")
SERVICES = ResourceType("v1", "Service", "services")
MANIFEST: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "faq", "namespace": "ml"},
}


async def test_apply_is_server_side_apply_of_one_field_manager(server: Server) -> None:
    server.answers = [answer(MANIFEST, 201)]
    async with server.client() as client:
        assert await client.apply(DEPLOYMENTS, MANIFEST, force=True) == (MANIFEST, True)
    (request,) = server.requests
    assert request.method == "PATCH"
    assert request.path == "/apis/apps/v1/namespaces/ml/deployments/faq"
    assert request.query == {"fieldManager": "tests", "force": "true"}
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert request.body == MANIFEST


async def test_apply_tells_whether_it_created_the_object(server: Server) -> None:
    server.answers = [answer(MANIFEST, 200)]
    async with server.client() as client:
        assert (await client.apply(DEPLOYMENTS, MANIFEST, force=False))[1] is False


async def test_a_status_is_merge_patched_in_its_subresource(server: Server) -> None:
    patch = {"metadata": {"resourceVersion": "7"}, "status": {"replicas": None}}
    async with server.client() as client:
        await client.patch_status(DEPLOYMENTS, "ml", "faq", patch)
    (request,) = server.requests
    assert request.path.endswith("/deployments/faq/status")
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert request.body == patch


async def test_delete_names_exactly_what_may_be_deleted(server: Server) -> None:
    async with server.client() as client:
        await client.delete(SERVICES, "ml", "faq", uid="u1", resource_version="7")
    (request,) = server.requests
    assert (request.method, request.path) == ("DELETE", "/api/v1/namespaces/ml/services/faq")
    assert request.body["preconditions"] == {"uid": "u1", "resourceVersion": "7"}
    assert request.body["propagationPolicy"] == "Background"


async def test_listed_objects_say_what_they_are(server: Server) -> None:
    server.answers = [answer({"items": [{"metadata": {"name": "a"}}]})]
    async with server.client() as client:
        (found,) = await client.list(SERVICES, label_selector="scoring.dev/name")
    assert (found["apiVersion"], found["kind"]) == ("v1", "Service")
    assert server.requests[0].query == {"labelSelector": "scoring.dev/name"}


async def test_a_secret_can_be_looked_for_without_reading_it(server: Server) -> None:
    async with server.client() as client:
        await client.get(
            ResourceType("v1", "Secret", "secrets"), "ml", "regcred", metadata_only=True
        )
    assert "as=PartialObjectMetadata" in server.requests[0].headers["Accept"]


async def test_discovery_tells_whether_a_kind_is_served(server: Server) -> None:
    server.answers = [answer({"resources": [{"name": "deployments"}]})]
    async with server.client() as client:
        assert await client.discover(DEPLOYMENTS)
        assert not await client.discover(ResourceType("apps/v1", "Other", "others"))
    assert server.requests[0].path == "/apis/apps/v1"


async def test_the_group_versions_are_one_small_request(server: Server) -> None:
    groups = [
        {"name": "apps", "versions": [{"groupVersion": "apps/v1"}]},
        {"name": "x", "versions": [{"groupVersion": "x/v1"}, {"groupVersion": "x/v2"}]},
    ]
    server.answers = [answer({"groups": groups}), answer({"kind": "APIGroupList"})]
    async with server.client() as client:
        assert await client.group_versions() == {"apps/v1", "x/v1", "x/v2"}
        assert await client.group_versions() == frozenset()
    assert server.requests[0].path == "/apis"


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (400, "BadRequest", BadRequest),
        (401, "Unauthorized", Unauthorized),
        (403, "Forbidden", Forbidden),
        (404, "NotFound", NotFound),
        (409, "Conflict", Conflict),
        (409, "AlreadyExists", AlreadyExists),
        (410, "Gone", Gone),
        (418, "", ApiError),
        (422, "Invalid", Invalid),
        (429, "TooManyRequests", TooManyRequests),
        (500, "InternalError", ServerError),
        (503, "ServiceUnavailable", ServerError),
        (504, "Timeout", ServerError),
    ],
)
async def test_an_error_has_a_type_and_the_servers_words(
    server: Server, code: int, reason: str, expected: type[ApiError]
) -> None:
    server.answers = [answer(status(code, reason, "no, because"), code)]
    async with server.client() as client:
        with pytest.raises(expected, match="no, because") as caught:
            await client.get(DEPLOYMENTS, "ml", "faq")
    assert type(caught.value) is expected
    assert (caught.value.code, caught.value.reason) == (code, reason)
    assert len(server.requests) == 1


async def test_the_causes_of_an_error_are_kept(server: Server) -> None:
    causes = [{"reason": "NamespaceTerminating", "message": "…"}]
    server.answers = [answer(status(403, "Forbidden", "no", causes=causes), 403)]
    async with server.client() as client:
        with pytest.raises(Forbidden) as caught:
            await client.get(DEPLOYMENTS, "ml", "faq")
    assert caught.value.has_cause("NamespaceTerminating")
    assert not caught.value.has_cause("FieldValueInvalid")


async def test_an_answer_that_is_no_status_is_quoted_in_part(server: Server) -> None:
    server.answers = [lambda _: web.Response(status=502, text="<html>" + "x" * 5000)]
    async with server.client() as client:
        with pytest.raises(ServerError) as caught:
            await client.get(DEPLOYMENTS, "ml", "faq")
    assert caught.value.message.startswith("<html>")
    assert len(caught.value.message) <= 500


@pytest.mark.parametrize("code", [429, 503])
async def test_retry_after_is_obeyed(server: Server, code: int) -> None:
    busy = answer(status(code, "Busy", "later"), code, Retry_After="0.2")
    server.answers = [busy, busy, answer({"kind": "Deployment"})]
    started = time.monotonic()
    async with server.client() as client:
        assert await client.get(DEPLOYMENTS, "ml", "faq") == {"kind": "Deployment"}
    assert time.monotonic() - started >= 0.4
    assert len(server.requests) == 3


async def test_retry_after_in_the_status_is_obeyed_too(server: Server) -> None:
    server.answers = [
        answer(status(429, "TooManyRequests", "later", retryAfterSeconds=0.1), 429),
        answer({}),
    ]
    async with server.client() as client:
        await client.get(DEPLOYMENTS, "ml", "faq")
    assert len(server.requests) == 2


async def test_a_server_that_is_busy_for_too_long_is_an_error(server: Server) -> None:
    server.answers = [answer(status(429, "Busy", "later"), 429, Retry_After="0.01")]
    async with server.client() as client:
        with pytest.raises(TooManyRequests):
            await client.get(DEPLOYMENTS, "ml", "faq")
    assert len(server.requests) == 4


@asynccontextmanager
async def hangs_up(times: int) -> AsyncIterator[tuple[Client, list[str]]]:
    """A server that reads the first requests and hangs up; what it read, by method."""
    read: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        read.append(head.split(" ", 1)[0])
        length = next((x for x in head.split("\r\n") if x.startswith("Content-Length")), ": 0")
        await reader.readexactly(int(length.split(":")[1]))
        if len(read) > times:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    credentials = Credentials(f"http://127.0.0.1:{port}", None, lambda: None)
    async with listening, Client(credentials, field_manager="tests") as client:
        yield client, read


async def test_what_does_no_harm_twice_is_sent_again_when_the_server_hangs_up() -> None:
    async with hangs_up(1) as (client, read):
        await client.apply(DEPLOYMENTS, MANIFEST, force=True)
    assert read == ["PATCH", "PATCH"]


async def test_a_server_that_hangs_up_again_is_unreachable() -> None:
    async with hangs_up(99) as (client, read):
        with pytest.raises(Unreachable):
            await client.apply(DEPLOYMENTS, MANIFEST, force=True)
    assert read == ["PATCH", "PATCH"]


async def test_a_first_apply_and_a_create_are_never_sent_twice() -> None:
    async with hangs_up(99) as (client, read):
        with pytest.raises(Unreachable):
            await client.apply(DEPLOYMENTS, MANIFEST, force=False)
        with pytest.raises(Unreachable):
            await client.create(DEPLOYMENTS, "ml", MANIFEST)
    assert read == ["PATCH", "POST"]


async def test_a_first_apply_that_may_have_been_done_is_not_sent_again(server: Server) -> None:
    trouble = answer(status(503, "ServiceUnavailable", "later"), 503, Retry_After="0.01")
    server.answers = [trouble, answer({"kind": "Deployment"}, 201)]
    async with server.client() as client:
        with pytest.raises(ServerError, match="later"):
            await client.apply(DEPLOYMENTS, MANIFEST, force=False)
    assert len(server.requests) == 1


async def test_nobody_there_is_unreachable() -> None:
    nobody = Credentials("http://127.0.0.1:9", None, lambda: None)
    async with Client(nobody, field_manager="tests") as client:
        with pytest.raises(Unreachable) as caught:
            await client.get(DEPLOYMENTS, "ml", "faq")
    assert caught.value.code == 0


async def test_who_may_not_write_sends_no_write(server: Server) -> None:
    async with server.client(permit=lambda: False) as client:
        await client.get(DEPLOYMENTS, "ml", "faq")
        for write in (
            client.apply(DEPLOYMENTS, MANIFEST, force=True),
            client.patch_status(DEPLOYMENTS, "ml", "faq", {}),
            client.delete(DEPLOYMENTS, "ml", "faq", uid="u", resource_version="1"),
            client.create(DEPLOYMENTS, "ml", MANIFEST),
        ):
            with pytest.raises(NotPermitted):
                await write
    assert [request.method for request in server.requests] == ["GET"]


async def test_the_right_to_write_is_asked_again_after_a_wait(server: Server) -> None:
    allowed = iter([True, True, False])
    server.answers = [answer(status(429, "Busy", "later"), 429, Retry_After="0.01")]
    async with server.client(permit=lambda: next(allowed)) as client:
        with pytest.raises(NotPermitted):
            await client.apply(DEPLOYMENTS, MANIFEST, force=True)
    assert len(server.requests) == 1


async def test_a_write_is_held_back_when_the_right_ends_before_its_bytes_leave(
    server: Server,
) -> None:
    allowed = iter([True, False])
    async with server.client(permit=lambda: next(allowed)) as client:
        with pytest.raises(NotPermitted):
            await client.apply(DEPLOYMENTS, MANIFEST, force=True)
        await client.get(DEPLOYMENTS, "ml", "faq")
    assert [request.method for request in server.requests] == ["GET"]


async def test_each_request_logs_in_with_the_token_of_the_moment(server: Server) -> None:
    tokens = iter(["one", "two"])
    credentials = server.credentials(lambda: f"Bearer {next(tokens)}")
    async with Client(credentials, field_manager="tests") as client:
        await client.get(DEPLOYMENTS, "ml", "faq")
        await client.get(DEPLOYMENTS, "ml", "faq")
    assert [r.headers["Authorization"] for r in server.requests] == ["Bearer one", "Bearer two"]


async def test_no_more_requests_at_a_time_than_allowed(server: Server) -> None:
    running = most = 0

    async def slow(request: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.1)  # long enough for the others to come, on a busy machine too
        running -= 1
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", slow)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    credentials = Credentials(url, None, lambda: None)
    async with Client(credentials, field_manager="tests", concurrency=3) as client:
        await asyncio.gather(*(client.get(DEPLOYMENTS, "ml", str(n)) for n in range(12)))
    await runner.cleanup()
    assert most == 3


async def test_requests_are_observed_with_verb_resource_and_code(server: Server) -> None:
    seen = []
    server.answers = [answer({}, 201), answer(status(404, "NotFound", "no"), 404)]
    async with server.client(
        observe=lambda verb, resource, code, seconds: seen.append((verb, resource, code))
    ) as client:
        await client.apply(DEPLOYMENTS, MANIFEST, force=True)
        with pytest.raises(NotFound):
            await client.get(SERVICES, "ml", "faq")
    assert seen == [("apply", "deployments", 201), ("get", "services", 404)]


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "path"),
    [
        (DEPLOYMENTS, "ml", "faq", "/apis/apps/v1/namespaces/ml/deployments/faq"),
        (DEPLOYMENTS, None, None, "/apis/apps/v1/deployments"),
        (SERVICES, "ml", None, "/api/v1/namespaces/ml/services"),
        (SERVICES, "ml", "a/b", "/api/v1/namespaces/ml/services/a%2Fb"),
    ],
)
def test_paths(resource: ResourceType, namespace: str | None, name: str | None, path: str) -> None:
    assert resource.path(namespace, name) == path


def test_group_and_version() -> None:
    assert (DEPLOYMENTS.group, DEPLOYMENTS.version) == ("apps", "v1")
    assert (SERVICES.group, SERVICES.version) == ("", "v1")

"""A small HTTP server in place of the API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from scoring_operator.kube import Client, Credentials

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(item: pytest.Function) -> Mapping[str, LoopFactory]:
    """The event loop that a module asks for by `LOOP_FACTORY`, or a usual one."""
    return {"loop": getattr(item.module, "LOOP_FACTORY", asyncio.new_event_loop)}


@dataclass
class Request:
    """What arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


Answer = Callable[[Request], web.StreamResponse]


@dataclass
class Server:
    """Answers from a list, the last one again and again; keeps what arrived."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        received = Request(
            request.method,
            request.path,
            dict(request.query),
            dict(request.headers),
            json.loads(text) if text else None,
        )
        self.requests.append(received)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(received)

    def credentials(self, authorization: Callable[[], str | None] = lambda: None) -> Credentials:
        return Credentials(self.url, None, authorization)

    def client(self, **options: Any) -> Client:
        return Client(self.credentials(), field_manager="tests", **options)


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """Always the same JSON."""
    return lambda _: web.json_response(
        body,
        status=status,
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


def status(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    """A Status, as the API server answers errors."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """A server that answers `{}` until told otherwise."""
    double = Server(answers=[answer({})])
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", double.handle)
    listening = TestServer(app)
    await listening.start_server()
    double.url = str(listening.make_url("")).rstrip("/")
    yield double
    await listening.close()

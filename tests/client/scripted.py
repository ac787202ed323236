"""A service on loopback that answers what a test wrote down."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RESULT: Mapping[str, Any] = {"result": [{"image": [["n00000001 red", 1.0]]}, "Computed in 1 ms"]}


@dataclass(frozen=True)
class Reply:
    """One answer; a status of 0 closes the connection instead, wait is until it is answered."""

    status: int = 200
    body: Any = field(default_factory=lambda: RESULT)
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None


def refusal(status: int, code: str = "overloaded", **headers: str) -> Reply:
    return Reply(status, {"error": {"code": code, "message": "of the test"}}, headers)


class Scripted:
    """Its address, and the headers of the requests that came."""

    def __init__(self, replies: list[Reply]) -> None:
        self.replies = replies
        self.asked: list[dict[str, str]] = []
        self.url = ""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has given up is part of a test."""


@contextmanager
def scripted(*replies: Reply) -> Iterator[Scripted]:
    """Answers the replies one after another; the last one for ever."""
    service = Scripted(list(replies))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            service.asked.append({"path": self.path, **self.headers})
            reply = service.replies[0]
            if len(service.replies) > 1:
                service.replies.pop(0)
            if reply.wait is not None:
                reply.wait.wait(60)
            self.close_connection = reply.status == 0
            if reply.status == 0:
                return
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()

"""A download that never ends: a byte a second."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class SlowServer:
    """Serves at an address of this machine; a context manager."""

    def __init__(self, address: str) -> None:
        self._over = threading.Event()
        over = self._over

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Promise much, and send little."""
                self.send_response(200)
                self.send_header("Content-Length", "1000000")
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not over.wait(1):
                        self.wfile.write(b"x")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    @property
    def source(self) -> dict[str, str]:
        """A model source that is there and never comes."""
        host, port = self._server.server_address[:2]
        return {"url": f"http://{host!s}:{port}/model.tar", "sha256": "0" * 64}

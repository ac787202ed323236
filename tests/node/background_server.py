"""An HTTP server that answers in a thread while it is entered."""

import threading
from http.server import ThreadingHTTPServer
from typing import Self


class BackgroundServer:
    """Runs a server of the standard library; a context manager."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

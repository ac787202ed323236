"""Serves a folder over HTTP, as an object store would serve model archives."""

import functools
import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


class FileServer:
    """A folder at an address of this machine; a context manager."""

    def __init__(self, address: str, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        handler = functools.partial(_Quiet, directory=str(folder))
        self._server = ThreadingHTTPServer((address, 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

    def url(self, name: str) -> str:
        """The address of a file, which need not exist."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/{name}"

    def put(self, name: str, content: bytes) -> dict[str, str]:
        """Serve `content`; the model source that names it."""
        (self._folder / name).write_bytes(content)
        return {"url": self.url(name), "sha256": hashlib.sha256(content).hexdigest()}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing: pytest shows what matters."""

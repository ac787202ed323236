"""Serves a folder over HTTP, as an object store would serve model archives."""

import functools
import hashlib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.node.background_server import BackgroundServer


class FileServer(BackgroundServer):
    """A folder at an address of this machine; a context manager."""

    def __init__(self, address: str, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        handler = functools.partial(_Quiet, directory=str(folder))
        super().__init__(ThreadingHTTPServer((address, 0), handler))

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

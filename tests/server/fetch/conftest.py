"""A web server on loopback whose answers a test decides."""

import http.server
import threading
from collections.abc import Callable, Iterator

import pytest

from scoring_server.fetch import addresses

Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


class Site:
    """Serves paths; unknown ones are 404.

    Attributes:
        url: of its root, without a slash at the end.
        asked: the paths that were asked for, in order.
    """

    def __init__(self) -> None:
        self.pages: dict[str, Handler] = {}
        self.asked: list[str] = []
        site = self

        class _Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                page = site.pages.get(self.path)
                if page is None:
                    self.send_error(404)
                else:
                    page(self)

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def serve(self, path: str, content: bytes, *, announced: int | None = None) -> str:
        """Serve content under a path; its URL."""

        def page(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(announced or len(content)))
            handler.end_headers()
            handler.wfile.write(content)

        self.pages[path] = page
        return self.url + path


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def loopback_is_refused() -> bool:
    """Overridden where that is what is tested."""
    return False


@pytest.fixture(autouse=True)
def loopback_is_a_private_network(
    loopback_is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests' web servers have no other address."""
    if not loopback_is_refused:
        refused = addresses.is_refused
        monkeypatch.setattr(addresses, "is_refused", lambda ip: not ip.is_loopback and refused(ip))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Retries without waiting; the pauses that would have been made."""
    pauses: list[float] = []
    monkeypatch.setattr("scoring_server.fetch.downloading.sleep", pauses.append)
    return pauses

"""The HTTPS server of the stand-in. It asks the pods themselves, each time that it is asked."""

import json
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from tests.node.background_server import BackgroundServer
from tests.node.custom_metrics import answers

EXTERNAL_METRIC: Final = "queue_messages_ready"
_TIMEOUT_SECONDS: Final = 5

# Addresses of a namespace's pods by their names, for a label selector.
PodAddresses = Callable[[str, str], Mapping[str, str]]


class MetricsServer(BackgroundServer):
    """Serves both metrics APIs at an address of this machine; a context manager.

    `external` is the value of the one external metric.
    """

    def __init__(self, address: str, certificate: Path, key: Path, pods: PodAddresses) -> None:
        self.external = 0.0
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self._pods = pods
        server = _Server((address, 0), self._answer)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        super().__init__(server)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def _answer(self, target: str) -> dict[str, Any] | None:
        url = urlsplit(target)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        match unquote(url.path).strip("/").split("/"):
            case ["apis", "custom.metrics.k8s.io", "v1beta2"]:
                return answers.resources(answers.CUSTOM, ["pods/scoring_requests_in_flight"])
            case ["apis", "external.metrics.k8s.io", "v1beta1"]:
                return answers.resources(answers.EXTERNAL, [EXTERNAL_METRIC])
            case ["apis", "custom.metrics.k8s.io", _, "namespaces", namespace, "pods", "*", metric]:
                selector = parse_qs(url.query).get("labelSelector", [""])[0]
                values = self._values(namespace, selector, metric)
                return answers.of_pods(namespace, metric, values, now)
            case ["apis", "external.metrics.k8s.io", _, "namespaces", _, metric]:
                if metric == EXTERNAL_METRIC:
                    return answers.external(metric, self.external, now)
        return None

    def _values(self, namespace: str, selector: str, metric: str) -> dict[str, float]:
        found = {}
        for name, address in self._pods(namespace, selector).items():
            try:
                value = answers.sample(_get(f"http://{address}:8080/metrics"), metric)
            except OSError:  # it starts or ends just now, and is left out, as with a real adapter
                continue
            if value is not None:
                found[name] = value
        return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], answer: Callable[[str], dict[str, Any] | None]
    ) -> None:
        super().__init__(address, _Handler)
        self.answer = answer


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with JSON, or 404."""
        found = self.server.answer(self.path)
        missing = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": 404,
            "message": f"the stand-in does not know {self.path}",
        }
        body = json.dumps(found or missing).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: pytest shows what matters."""


def _get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=_TIMEOUT_SECONDS) as response:
        text: str = response.read().decode()
        return text

"""The HTTP endpoint of the process: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from scoring_operator.wiring.metrics import CONTENT_TYPE, Metrics

Health = Callable[[], tuple[bool, Mapping[str, object]]]
"""Whether all is well, and the facts that this follows from."""


class Endpoint:
    """Serves until it is closed."""

    def __init__(self, metrics: Metrics, *, healthy: Health, ready: Health) -> None:
        self._metrics = metrics
        app = web.Application()
        app.router.add_get("/healthz", _probe(healthy))
        app.router.add_get("/readyz", _probe(ready))
        app.router.add_get("/metrics", self._serve_metrics)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)

    async def start(self, port: int) -> None:
        """Listen on all addresses. Raises OSError where the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, port=port, shutdown_timeout=1.0).start()

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _serve_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics.render(), headers={"Content-Type": CONTENT_TYPE})


def _probe(check: Health) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_: web.Request) -> web.Response:
        well, facts = check()
        body = {"status": "ok" if well else "failing", **facts}
        return web.json_response(body, status=200 if well else 503)

    return handle

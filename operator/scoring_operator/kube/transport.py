"""HTTP sessions made from credentials."""

from __future__ import annotations

from collections.abc import Sequence

import aiohttp

from scoring_operator.kube.credentials import Credentials

USER_AGENT = "scoring-operator"


def open_session(
    credentials: Credentials,
    *,
    connections: int,
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = (),
) -> aiohttp.ClientSession:
    """A session that logs in with `credentials` at each request, so that rotated tokens are used.

    `connections` bounds the connections (0 = no bound). The caller closes the session.
    """

    async def authorize(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        value = credentials.authorization()
        if value is not None:
            request.headers["Authorization"] = value
        if credentials.server_hostname is not None:
            request.server_hostname = credentials.server_hostname
        return await handler(request)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections, ssl=credentials.tls if credentials.tls is not None else False
        ),
        headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        proxy=credentials.proxy,
        middlewares=[*middlewares, authorize],
        auto_decompress=True,
    )

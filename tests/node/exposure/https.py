"""Requests to a host name at a given address, over HTTP or verified HTTPS; redirects are shown."""

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_TIMEOUT = aiohttp.ClientTimeout(total=60)
_JSON = "application/json"
_BURST_SECONDS = 60.0
_BURST_CONNECTIONS = 8


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Resolver(AbstractResolver):
    """Knows every host name, at one address."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=self._address, port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Outside:
    """A client outside the cluster, which trusts one certificate authority."""

    address: str
    authority: Path

    def request(
        self, method: str, url: str, body: bytes | None = None, kind: str = _JSON
    ) -> Answer:
        """One request; redirects are not followed.

        A body is sent once the other side asks for it, as curl does with large ones: so a refusal
        is read, however early it comes.

        Raises:
            aiohttp.ClientConnectorCertificateError: where the certificate is not the host's.
        """
        return asyncio.run(self._request(method, url, body, kind))

    async def _request(self, method: str, url: str, body: bytes | None, kind: str) -> Answer:
        async with (
            self._session() as session,
            session.request(
                method,
                url,
                data=body,
                headers={"Content-Type": kind},
                allow_redirects=False,
                expect100=body is not None,
            ) as response,
        ):
            return Answer(response.status, dict(response.headers), await response.read())

    def burst(self, url: str, body: bytes, refusals: frozenset[int]) -> Counter[int]:
        """POST from a few kept connections, as fast as it goes, until one is refused.

        New connections would need so much CPU that on a busy machine no limit is ever met.
        """
        return asyncio.run(self._burst(url, body, refusals))

    async def _burst(self, url: str, body: bytes, refusals: frozenset[int]) -> Counter[int]:
        statuses: Counter[int] = Counter()
        deadline = time.monotonic() + _BURST_SECONDS

        async def ask(session: aiohttp.ClientSession) -> None:
            while not statuses.keys() & refusals and time.monotonic() < deadline:
                headers = {"Content-Type": _JSON}
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()  # else the connection is not kept
                    statuses[response.status] += 1

        async with self._session() as session:
            await asyncio.gather(*(ask(session) for _ in range(_BURST_CONNECTIONS)))
        return statuses

    def _session(self) -> aiohttp.ClientSession:
        trust = ssl.create_default_context(cafile=str(self.authority))
        connector = aiohttp.TCPConnector(resolver=_Resolver(self.address), ssl=trust)
        return aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)

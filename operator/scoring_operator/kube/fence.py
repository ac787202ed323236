"""The last moment at which a write can still be held back."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload

from scoring_operator.kube.errors import ApiError


class NotPermitted(ApiError):
    """This process may not write now: it is not, or no longer, the leader."""


class FencedBody(BytesPayload):
    """A request's body that does not leave where `permit` says no.

    Between the decision to write and the connection lie steps of the event loop, and a process can
    be paused in each, for longer than its lease. The server does nothing without the body.
    """

    def __init__(self, value: bytes, permit: Callable[[], bool]) -> None:
        super().__init__(value)
        self._permit = permit

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send the body; raises NotPermitted, which aiohttp wraps in a ClientConnectionError."""
        if not self._permit():
            raise NotPermitted("this process stopped leading before its write had left")
        await super().write_with_length(writer, content_length)

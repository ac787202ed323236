"""A watch as kopf reads it: without its events, which are taken out of the stream as they come.

kopf makes a queue, a task and a dozen objects of each event, only to call a handler that takes the
event in: that was a third of the CPU of a process that creates a thousand services. What kopf needs
of an event is how far it has come, for the next watch to go on from there: a bookmark tells it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import aiohttp

Take = Callable[[str, dict[str, Any]], None]
"""Called with the type of an event and its object."""

# All else is for kopf: bookmarks, errors, and what it does not know either.
_TAKEN = frozenset({"ADDED", "MODIFIED", "DELETED"})


class EventReader:
    """Stands for the stream that it reads, but for what `iter_chunked` gives of it."""

    def __init__(self, stream: aiohttp.StreamReader, take: Take) -> None:
        self._stream = stream
        self._take = take

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Whole lines: what is not taken, and a bookmark in place of what is."""
        rest = b""
        async for chunk in self._stream.iter_chunked(size):
            *lines, rest = (rest + chunk).split(b"\n")
            left = self._left(lines)
            if left:
                yield left
        left = self._left([rest])
        if left:
            yield left

    def _left(self, lines: Iterable[bytes]) -> bytes:
        left: list[bytes] = []
        version = None
        for line in filter(None, lines):
            event = json.loads(line)
            if event.get("type") in _TAKEN:
                self._take(event["type"], event["object"])
                version = (event["object"].get("metadata") or {}).get("resourceVersion")
            else:
                left += [*_bookmark(version), line]
                version = None
        return b"".join(line + b"\n" for line in (*left, *_bookmark(version)))


def _bookmark(version: str | None) -> list[bytes]:
    if version is None:
        return []
    metadata = {"resourceVersion": version}
    return [json.dumps({"type": "BOOKMARK", "object": {"metadata": metadata}}).encode()]

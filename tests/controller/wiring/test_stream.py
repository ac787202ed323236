"""What is taken out of a watch's stream, and what is left for kopf."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest

from scoring_operator.wiring.stream import EventReader

Event = dict[str, Any]


def event(kind: str, version: int) -> Event:
    metadata = {"name": "faq", "resourceVersion": str(version)}
    return {"type": kind, "object": {"kind": "Service", "metadata": metadata}}


def bookmark(version: int) -> Event:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}


GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410}}


class Stream:
    """A response's stream that comes in some chunks."""

    total_bytes = 7

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = chunks

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        assert size
        for chunk in self._chunks:
            yield chunk


def lines(*events: Event) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in events)


async def read(*chunks: bytes) -> tuple[list[tuple[str, str]], list[Event]]:
    """What is taken, type and version, and what a reader of lines gets."""
    taken: list[tuple[str, str]] = []

    def take(kind: str, obj: Event) -> None:
        taken.append((kind, obj["metadata"]["resourceVersion"]))

    reader = EventReader(cast("Any", Stream(chunks)), take)
    left = b"".join([chunk async for chunk in reader.iter_chunked(1000)])
    return taken, [json.loads(line) for line in left.splitlines()]


async def test_events_are_taken_and_the_reader_learns_how_far_it_is() -> None:
    taken, left = await read(lines(event("ADDED", 5), event("MODIFIED", 6)))
    assert taken == [("ADDED", "5"), ("MODIFIED", "6")]
    assert left == [bookmark(6)]


async def test_the_next_watch_goes_on_from_a_deletion() -> None:
    taken, left = await read(lines(event("DELETED", 9)))
    assert taken == [("DELETED", "9")]
    assert left == [bookmark(9)]


async def test_what_is_no_event_of_an_object_is_left_in_its_place() -> None:
    taken, left = await read(
        lines(bookmark(3), event("ADDED", 5), GONE, event("ADDED", 6), {"type": "ODD"})
    )
    assert taken == [("ADDED", "5"), ("ADDED", "6")]
    assert left == [bookmark(3), bookmark(5), GONE, bookmark(6), {"type": "ODD"}]


@pytest.mark.parametrize("size", [1, 7, 40, 1000])
async def test_lines_are_whole_however_they_come(size: int) -> None:
    whole = lines(event("ADDED", 5), bookmark(6), event("MODIFIED", 7))
    taken, left = await read(*(whole[at : at + size] for at in range(0, len(whole), size)))
    assert taken == [("ADDED", "5"), ("MODIFIED", "7")]
    assert left[-1] == bookmark(7)
    assert bookmark(6) in left


async def test_the_last_line_needs_no_end() -> None:
    taken, left = await read(lines(event("ADDED", 5)).rstrip())
    assert taken == [("ADDED", "5")]
    assert left == [bookmark(5)]


async def test_what_is_taken_does_not_wait_for_what_follows() -> None:
    taken: list[str] = []
    whole = lines(event("ADDED", 5), event("ADDED", 6))
    stream = Stream([whole[:-10], whole[-10:]])
    reader = EventReader(cast("Any", stream), lambda kind, _: taken.append(kind))
    chunks = reader.iter_chunked(1000)
    assert json.loads(await anext(chunks)) == bookmark(5)
    assert taken == ["ADDED"]


async def test_a_line_that_was_cut_ends_the_watch() -> None:
    with pytest.raises(ValueError, match="Unterminated"):
        await read(lines(event("ADDED", 5))[:-10])


def test_it_stands_for_the_stream_in_all_else() -> None:
    assert EventReader(cast("Any", Stream([])), lambda *_: None).total_bytes == 7

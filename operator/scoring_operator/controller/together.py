"""Things done at the same time, each of which goes on to its end whatever becomes of the others."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")


def result_of(ended: Value | BaseException) -> Value:
    """One of `asyncio.gather(…, return_exceptions=True)`: the value, or the error is raised."""
    if isinstance(ended, BaseException):
        raise ended
    return ended

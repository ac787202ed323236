"""Servers under load: of one core, so that the generator has the other."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.server.runtime.conftest import (
    colour_model,
    faq_model,
    faq_variables,
    image_variables,
)
from tests.server.server_process import ServerProcess

__all__ = ["colour_model", "faq_model"]

QUESTION: Final = json.dumps({"input": "how do i copy an object", "top": 3})
_CORES: Final = sorted(os.sched_getaffinity(0))
# One and the same on a machine with a single core.
SERVER_CORE: Final = _CORES[0]
GENERATOR_CORE: Final = _CORES[-1]


def questions(count: int) -> str:
    """A request with so many questions."""
    return json.dumps({"input": _texts(count), "top": 3})


def long_answer() -> str:
    """A request whose answer, of 400 kB, is longer than what the kernel takes for a slow client."""
    return json.dumps({"input": _texts(16), "details": True})


def _texts(count: int) -> list[str]:
    return [f"how do i copy an object {number}" for number in range(count)]


@contextmanager
def pinned(folder: Path, **variables: str) -> Iterator[ServerProcess]:
    """A server that runs on one core alone, once it is ready; the test stays on another."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})  # which the process inherits
    try:
        with ServerProcess(folder, **{"SCORING_CPUS": "1", **variables}) as server:
            os.sched_setaffinity(0, {GENERATOR_CORE})
            server.wait_until_ready()
            yield server
    finally:
        os.sched_setaffinity(0, own)


@pytest.fixture
def faq(faq_model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """The FAQ that the image ships, on one core."""
    with pinned(tmp_path, **faq_variables(faq_model)) as server:
        yield server


@pytest.fixture
def images(colour_model: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    """The tiny image model, on one core."""
    with pinned(tmp_path, **image_variables(colour_model)) as server:
        yield server

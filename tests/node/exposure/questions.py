"""Requests to the FAQ's scorer, small and large."""

import contextlib
import json
from collections import Counter

import aiohttp

from tests.node.exposure.https import Answer, Outside
from tests.node.namespace import poll

QUESTION = json.dumps({"input": "how do i copy an object", "top": 1}).encode()
MEGABYTE = 10**6


def padded(megabytes: int) -> bytes:
    """The question in a body of that size: JSON may be followed by any amount of white space."""
    return QUESTION.ljust(megabytes * MEGABYTE)


def ask(outside: Outside, url: str, body: bytes = QUESTION) -> Answer:
    """POST a question."""
    return outside.request("POST", url, body)


def is_ranking(answer: Answer) -> bool:
    """Whether the answer is a scored one."""
    return answer.status == 200 and bool(json.loads(answer.body)["result"][0])


def reached(outside: Outside, url: str, method: str = "POST") -> bool:
    """Wait until Traefik has noticed what the API server has: the route and the certificate."""

    def look() -> bool | None:
        # Also while Traefik takes new routes in.
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            body = QUESTION if method == "POST" else None
            return outside.request(method, url, body).status == 200 or None
        return None

    return bool(poll(look, 90))


def burst(outside: Outside, url: str, refusals: frozenset[int]) -> Counter[int]:
    """The statuses of questions on kept connections, as fast as it goes, until one is refused."""
    return outside.burst(url, QUESTION, refusals)

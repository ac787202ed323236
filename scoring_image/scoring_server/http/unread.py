"""Bodies that were refused without being read: the connection must stay in step or be closed."""

from typing import Final

from flask import Flask, Response, g, request

# A body up to this size is read and dropped, which is cheaper for both sides than a new connection.
_DROPPED_BYTES: Final = 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024


def body_was_read() -> None:
    """Say that the present request's body was read to its end."""
    g.body_was_read = True


def register_unread_bodies(app: Flask) -> None:
    """After an answer that did not need the body: drop the body, or announce the end.

    A client that is told nothing sends its next request into a connection that is closing, and
    loses it.
    """

    def settle(response: Response) -> Response:
        chunked = "Transfer-Encoding" in request.headers
        announced = request.content_length or 0
        if g.get("body_was_read") or not (announced or chunked):
            return response
        if chunked or announced > _DROPPED_BYTES or not _drop(announced):
            response.headers["Connection"] = "close"
        return response

    app.after_request(settle)


def _drop(announced: int) -> bool:
    """Whether the whole body could be read."""
    stream = request.environ["wsgi.input"]
    left = announced
    try:
        while left > 0 and (data := stream.read(min(left, _CHUNK_BYTES))):
            left -= len(data)
    except Exception:
        return False
    return left == 0

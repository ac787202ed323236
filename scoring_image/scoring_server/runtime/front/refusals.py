"""The answer to a scoring request that there is no place for, made before it is needed."""

from scoring_server.http.errors import error_body, message_body, overloaded, refusal
from scoring_server.runtime.front.answering import raw_answer

_OPEN_INFERENCE = b"/v2/models/"


class Refusals:
    """503 with Retry-After, in the words of the address that was asked."""

    def __init__(self) -> None:
        self._answers = {
            (open_inference, keep): raw_answer(refusal(overloaded(), body), keep=keep)
            for open_inference, body in ((False, error_body), (True, message_body))
            for keep in (False, True)
        }

    def answer(self, head: bytes, *, keep: bool) -> bytes:
        """As it goes over the wire.

        Args:
            head: of the request, in lower case.
            keep: whether the connection goes on.
        """
        return self._answers[_OPEN_INFERENCE in head[: head.find(b"\r\n")], keep]

"""One POST /score: sent, tried again where that may help, and its answer taken apart."""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

import urllib3

from scoring_client.errors import (
    ScoringError,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
    error_of,
)
from scoring_client.retries import Retries

_LONGEST_MESSAGE: Final = 300


class Exchange:
    """Connections to one service, which threads may share.

    Args:
        address: of /score.
        api_key: sent with every request; None: without one.
        timeout_seconds: for one call with all its attempts.
        retries: when to try again.
        connections: that are kept open.
    """

    def __init__(
        self,
        address: str,
        api_key: str | None,
        timeout_seconds: float,
        retries: Retries,
        connections: int,
    ) -> None:
        self._address = address
        self._key = {} if api_key is None else {"X-API-Key": api_key}
        self._timeout_seconds = timeout_seconds
        self._retries = retries
        self._pool = urllib3.PoolManager(maxsize=connections, retries=False)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def post(self, body: bytes, content_type: str) -> list[Any]:
        """What stands under "result" in the answer.

        Scoring changes nothing, so a request whose answer was lost is simply sent again.

        Raises:
            ScoringError: the last attempt's.
        """
        deadline = time.monotonic() + self._timeout_seconds
        headers = {
            **self._key,
            "Content-Type": content_type,
            "X-Request-Id": uuid.uuid4().hex,  # one for all attempts: the log shows them together
        }
        attempt = 1
        while True:
            try:
                return self._once(body, headers, deadline)
            except _Refused as refused:
                error, wait = refused.error, refused.retry_after
            seconds = self._retries.wait_seconds(attempt, wait)
            too_late = time.monotonic() + seconds >= deadline
            if not error.passes or attempt >= self._retries.attempts or too_late:
                raise error
            time.sleep(seconds)
            attempt += 1

    def _once(self, body: bytes, headers: Mapping[str, str], deadline: float) -> list[Any]:
        request_id = headers["X-Request-Id"]
        left = deadline - time.monotonic()
        if left <= 0:
            raise _Refused(TimedOut("no time is left for an answer", request_id=request_id))
        # The service drops what nobody waits for any more.
        limit = {"X-Request-Timeout-Ms": str(max(1, int(left * 1000)))}
        try:
            response = self._pool.request(
                "POST",
                self._address,
                body=body,
                headers={**headers, **limit},
                timeout=urllib3.Timeout(total=left),
                redirect=False,  # it would take the key along to another address
            )
        except urllib3.exceptions.HTTPError as error:
            raise _Refused(self._without_answer(error, request_id)) from error
        if response.status == 200:
            return _result(response.data, request_id)
        code, message = _reason(response.data, response.status)
        raise _Refused(
            error_of(response.status, code, message, request_id),
            response.headers.get("Retry-After"),
        )

    def _without_answer(self, error: urllib3.exceptions.HTTPError, request_id: str) -> ScoringError:
        # urllib3 counts a refused connection among the time-outs.
        refused = isinstance(error, urllib3.exceptions.NewConnectionError)
        if isinstance(error, urllib3.exceptions.TimeoutError) and not refused:
            return TimedOut(f"no answer in {self._timeout_seconds:g} s", request_id=request_id)
        reason = f"the service cannot be reached: {type(error).__name__}"
        return Unreachable(reason, request_id=request_id)


class _Refused(Exception):
    def __init__(self, error: ScoringError, retry_after: str | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


def _result(body: bytes, request_id: str) -> list[Any]:
    try:
        found = json.loads(body)["result"]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, list) or not found:
        raise _Refused(
            UnexpectedAnswer("this is no scoring service's answer", request_id=request_id)
        )
    return found


def _reason(body: bytes, status: int) -> tuple[str, str]:
    """The service's own words; a proxy in front of it answers in a language of its own."""
    try:
        error = json.loads(body)["error"]
        return str(error["code"]), str(error["message"])[:_LONGEST_MESSAGE]
    except (ValueError, KeyError, TypeError):
        return "", f"the service answered with status {status}"

"""Download one file over HTTP, bounded in size and time."""

import hashlib
import logging
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, responses
from pathlib import Path
from time import sleep
from typing import IO, Any, Final, NamedTuple
from urllib.parse import urlsplit

from scoring_server.fetch.addresses import AddressRule, PrivateAddresses, guarded_handlers
from scoring_server.fetch.errors import FetchError

_log = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 1024 * 1024
# Of each connect and each read, seconds, and of the whole.
_TIMEOUT_SECONDS: Final = 30.0
_MAX_SECONDS: Final = 3600.0
_LENGTH_DIGITS: Final = 20
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-")
_ATTEMPTS: Final = 4
_FIRST_PAUSE_SECONDS: Final = 1.0
_RETRIED_STATUSES: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class _Transient(Exception):
    """Failed in a way that may pass."""


@dataclass
class _Partial:
    """What has arrived of a file, over all attempts.

    Attributes:
        validator: the ETag or date of what arrived, by which the rest is asked for; None where the
            server gave none: then the next attempt begins anew.
    """

    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    size: int = 0
    validator: str | None = None


def download(
    url: str,
    path: Path,
    *,
    max_bytes: int,
    private: PrivateAddresses = PrivateAddresses.NAMED,
    max_seconds: float = _MAX_SECONDS,
) -> str:
    """Download a URL into a file; what breaks off is resumed where the server can.

    Args:
        url: http or https.
        path: its content is to be trusted only on return.
        max_bytes: the most that is accepted.
        private: whether addresses of private networks may be connected to.
        max_seconds: the most that it may take, pauses included.

    Returns:
        The sha256 of the file, hex.

    Raises:
        FetchError: another scheme, an address that is not allowed, refused by the server, too
            large, too slow, or still failing after four attempts.
    """
    deadline = time.monotonic() + max_seconds
    partial = _Partial()
    for attempt in range(1, _ATTEMPTS + 1):
        rule = AddressRule(private)
        _check_url(url, rule)
        try:
            _attempt(url, path, partial, rule, _Limits(max_bytes, deadline))
            return partial.digest.hexdigest()
        except _Transient as error:
            if attempt == _ATTEMPTS:
                raise FetchError(
                    f"{_shown(url)} could not be downloaded in {_ATTEMPTS} attempts: {error}"
                ) from None
            pause = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
            _log.warning("download failed, trying again in %.0f s: %s", pause, error)
            sleep(pause)
    raise AssertionError("unreachable")


class _Limits(NamedTuple):
    max_bytes: int
    deadline: float


def _attempt(url: str, path: Path, partial: _Partial, rule: AddressRule, limits: _Limits) -> None:
    headers = {"User-Agent": "scoring-fetch", "Accept-Encoding": "identity"}
    if partial.size and partial.validator:
        headers |= {"Range": f"bytes={partial.size}-", "If-Range": partial.validator}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked
    try:
        with _opener(rule).open(request, timeout=_TIMEOUT_SECONDS) as response:
            _begin(response, partial)
            with path.open("ab" if partial.size else "wb") as file:
                _copy(response, file, partial, limits, _shown(url))
    except urllib.error.HTTPError as error:
        # Not error.reason: the server's own words, or a redirect's target with its secrets.
        message = f"the server answered {error.code} {responses.get(error.code, '')}".strip()
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            partial.validator = None  # the next attempt asks for the whole
            raise _Transient(message) from None
        if error.code in _RETRIED_STATUSES:
            raise _Transient(message) from None
        raise FetchError(f"{_shown(url)}: {message}") from None
    except urllib.error.URLError as error:
        raise _Transient(str(error.reason)) from None
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise _Transient(type(error).__name__) from None
    except OSError as error:
        raise FetchError(f"{path} cannot be written: {error.strerror}") from None
    except ValueError:  # a host that no name can be
        raise FetchError("the URL, or one that it redirects to, is not valid") from None


def _begin(response: Any, partial: _Partial) -> None:
    """Go on where the last attempt ended if the server does, else begin anew."""
    if response.status == HTTPStatus.PARTIAL_CONTENT and partial.size:
        first = _CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        if first is None or int(first[1]) != partial.size:
            partial.validator = None
            raise _Transient("the server sent another part than it was asked for")
        _log.info("resuming the download after %d bytes", partial.size)
        return
    partial.digest, partial.size = hashlib.sha256(), 0
    etag = response.headers.get("ETag", "")
    # A weak ETag says nothing of bytes.
    strong = etag if etag.startswith('"') else None
    partial.validator = strong or response.headers.get("Last-Modified")


def _copy(response: Any, file: IO[bytes], partial: _Partial, limits: _Limits, shown: str) -> None:
    announced = response.headers.get("Content-Length")
    expected = partial.size + int(announced) if _is_length(announced) else None
    if expected is not None and expected > limits.max_bytes:
        raise FetchError(f"{shown} has {expected} bytes, more than {limits.max_bytes}")
    while chunk := response.read1(_CHUNK_BYTES):
        partial.size += len(chunk)
        if partial.size > limits.max_bytes:
            raise FetchError(f"{shown} has more than {limits.max_bytes} bytes")
        if time.monotonic() > limits.deadline:
            raise FetchError(f"{shown} takes too long: {partial.size} bytes have arrived")
        partial.digest.update(chunk)
        file.write(chunk)
    if expected is not None and partial.size != expected:
        raise _Transient(f"the connection ended after {partial.size} of {expected} bytes")


def _is_length(text: str | None) -> bool:
    return text is not None and text.isascii() and text.isdecimal() and len(text) < _LENGTH_DIGITS


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only; the standard handler would follow ftp too."""

    def __init__(self, rule: AddressRule) -> None:
        self._rule = rule

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check_url(newurl, self._rule)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(rule: AddressRule) -> urllib.request.OpenerDirector:
    """An opener without the handlers for file:, ftp: and data:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        *guarded_handlers(rule),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _WebRedirects(rule),
    ):
        opener.add_handler(handler)
    return opener


def _check_url(url: str, rule: AddressRule) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise FetchError("the URL is not valid") from None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise FetchError(f"only http and https URLs are fetched, not {parts.scheme or 'others'}:")
    rule.check_host(parts.hostname)


def _shown(url: str) -> str:
    """The URL without what may be secret: user, password, query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

"""Download one file over HTTP, bounded in size and time."""

import hashlib
import logging
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException, responses
from pathlib import Path
from time import sleep
from typing import IO, Any, Final
from urllib.parse import urlsplit

from scoring_server.fetch.errors import FetchError

_log = logging.getLogger(__name__)

_CHUNK_BYTES: Final = 1024 * 1024
# Of each connect and each read, seconds; the pod's start-up budget bounds the whole.
_TIMEOUT_SECONDS: Final = 30.0
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


def download(url: str, path: Path, *, max_bytes: int) -> str:
    """Download a URL into a file.

    Args:
        url: http or https.
        path: written anew by each attempt; its content is to be trusted only on return.
        max_bytes: the most that is accepted.

    Returns:
        The sha256 of the file, hex.

    Raises:
        FetchError: another scheme, refused by the server, too large, or still failing after four
            attempts.
    """
    _check_scheme(url)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _attempt(url, path, max_bytes)
        except _Transient as error:
            if attempt == _ATTEMPTS:
                raise FetchError(
                    f"{_shown(url)} could not be downloaded in {_ATTEMPTS} attempts: {error}"
                ) from None
            pause = _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
            _log.warning("download failed, trying again in %.0f s: %s", pause, error)
            sleep(pause)
    raise AssertionError("unreachable")


def _attempt(url: str, path: Path, max_bytes: int) -> str:
    request = urllib.request.Request(url, headers={"User-Agent": "scoring-fetch"})  # noqa: S310 - the scheme was checked
    try:
        with _opener().open(request, timeout=_TIMEOUT_SECONDS) as response, path.open("wb") as file:
            return _copy(response, file, max_bytes, _shown(url))
    except urllib.error.HTTPError as error:
        # Not error.reason: the server's own words, or a redirect's target with its secrets.
        message = f"the server answered {error.code} {responses.get(error.code, '')}".strip()
        if error.code in _RETRIED_STATUSES:
            raise _Transient(message) from None
        raise FetchError(f"{_shown(url)}: {message}") from None
    except urllib.error.URLError as error:
        raise _Transient(str(error.reason)) from None
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise _Transient(str(error) or type(error).__name__) from None
    except OSError as error:
        raise FetchError(f"{path} cannot be written: {error.strerror}") from None


def _copy(response: Any, file: IO[bytes], max_bytes: int, shown: str) -> str:
    announced = response.headers.get("Content-Length")
    expected = int(announced) if announced and announced.isdecimal() else None
    if expected is not None and expected > max_bytes:
        raise FetchError(f"{shown} has {expected} bytes, more than {max_bytes}")
    digest = hashlib.sha256()
    size = 0
    while chunk := response.read(_CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:
            raise FetchError(f"{shown} has more than {max_bytes} bytes")
        digest.update(chunk)
        file.write(chunk)
    if expected is not None and size != expected:
        raise _Transient(f"the connection ended after {size} of {expected} bytes")
    return digest.hexdigest()


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only; the standard handler would follow ftp too."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check_scheme(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener without the handlers for file:, ftp: and data:."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _WebRedirects(),
    ):
        opener.add_handler(handler)
    return opener


def _check_scheme(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise FetchError("the URL is not valid") from None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise FetchError(f"only http and https URLs are fetched, not {parts.scheme or 'others'}:")


def _shown(url: str) -> str:
    """The URL without what may be secret: user, password, query."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

"""Which request this is: an id, and the trace that it is part of.

The id is X-Request-Id, which ingress controllers set; the trace is W3C Trace Context's traceparent
(https://www.w3.org/TR/trace-context/). Both go into the log and back to the caller, so that a
caller's error and the server's log line find each other.
"""

import re
from collections.abc import Mapping
from random import getrandbits
from typing import Any, Final, NamedTuple

REQUEST_ID: Final = "X-Request-Id"
TRACEPARENT: Final = "traceparent"

_ID_BITS: Final = 128
# UUIDs, hex, base64, AWS' "Root=1-…;…". The caller chooses it and the log repeats it, hence neither
# spaces nor quotes nor controls, and not much of it.
_WELL_FORMED_ID: Final = re.compile(r"[A-Za-z0-9._~:/+=@;-]{1,128}")
_WELL_FORMED_TRACE: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<parent>[0-9a-f]{16})-[0-9a-f]{2}"
    r"(?P<more>-[A-Za-z0-9_=-]{0,200})?"
)


class Trace(NamedTuple):
    """What a request is called.

    Attributes:
        request_id: the caller's where it is well-formed, else one of this server's.
        trace_id: 32 hexadecimal digits; None without a valid traceparent.
        headers: for the answer.
    """

    request_id: str
    trace_id: str | None
    headers: tuple[tuple[str, str], ...]


def trace_of(environ: Mapping[str, Any]) -> Trace:
    """What the request calls itself, and a new id where it has none.

    Args:
        environ: of the WSGI request.
    """
    request_id = environ.get("HTTP_X_REQUEST_ID")
    if request_id is None or not _WELL_FORMED_ID.fullmatch(request_id):
        # Told apart, not kept secret: random numbers of the cheap kind, which forks do not share.
        request_id = f"{getrandbits(_ID_BITS):032x}"
    headers: tuple[tuple[str, str], ...] = ((REQUEST_ID, request_id),)
    traceparent = environ.get("HTTP_TRACEPARENT")
    if traceparent is None:
        return Trace(request_id, None, headers)
    trace_id = _trace_id(traceparent)
    if trace_id is not None:
        headers = (*headers, (TRACEPARENT, traceparent))
    return Trace(request_id, trace_id, headers)


def _trace_id(traceparent: str) -> str | None:
    match = _WELL_FORMED_TRACE.fullmatch(traceparent)
    if match is None:
        return None
    version, trace, parent, more = match.groups()
    invalid = version == "ff" or (version == "00" and more is not None)
    # Zeros alone are how a tracer says that it has none.
    if invalid or not trace.strip("0") or not parent.strip("0"):
        return None
    return trace

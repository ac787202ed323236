"""JSON logs on stdout: one object a line, nothing of a request's content."""

import logging
import sys
import time
import traceback
from types import TracebackType

import orjson

# What a LogRecord has anyway; whatever `extra=` adds beyond this becomes a field of the line.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON.

    Of an exception the type and the stack are logged, never its message: messages of parsers and
    decoders quote their input, which is the client's. Code that wants a message in the log says so
    by putting it into the record's own text.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({k: v for k, v in vars(record).items() if k not in _STANDARD})
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__qualname__
            line["stack"] = _frames(record.exc_info[2])
        return orjson.dumps(line, default=str).decode()


def configure_logging(level: str) -> None:
    """Send every logger of this process to stdout as JSON.

    Args:
        level: debug, info, warning or error.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _timestamp(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def _frames(stack: TracebackType | None) -> list[str]:
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(stack)
    ]

"""JSON logs on stdout: one object a line, nothing of a request's content."""

import contextlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from functools import lru_cache
from types import TracebackType
from typing import Final, TextIO

import orjson

_KEPT_SECONDS: Final = 0.2
_MAX_KEPT_LINES: Final = 10_000
# Up to so many bytes are written to a pipe without another process's between them; lines are ASCII
# but for what libraries say.
_PIPE_BYTES: Final = 4096
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
        with contextlib.suppress(TypeError):  # a number of more than 64 bits, half a surrogate pair
            text = orjson.dumps(line, default=str).decode()
            # JSON lets DEL, C1 controls, line separators and changes of direction stand.
            if text.isprintable():
                return text
        return json.dumps(line, default=str)


class LineHandler(logging.Handler):
    """Writes lines to a stream: each at once, or those below a warning several at a time.

    A write lets another thread have the interpreter, which costs more than the write. So a busy
    process keeps lines for a fraction of a second; a process that is killed loses those.

    Args:
        stream: text, which is flushed after each write.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self._stream = stream
        self._lines: list[str] = []
        self._buffers_in: int | None = None

    def start_buffering(self) -> None:
        """From now on keep lines for up to a fraction of a second; in this process, not a fork."""
        self._buffers_in = os.getpid()
        threading.Thread(target=self._flush_regularly, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Write or keep a line."""
        try:
            self._lines.append(self.format(record) + "\n")
            if (
                record.levelno >= logging.WARNING
                or len(self._lines) >= _MAX_KEPT_LINES
                or self._buffers_in != os.getpid()
            ):
                self.flush()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Write what was kept."""
        self.acquire()
        try:
            lines, self._lines = self._lines, []
            for text in _joined(lines):
                self._stream.write(text)
                self._stream.flush()
        finally:
            self.release()

    def _flush_regularly(self) -> None:
        while True:
            time.sleep(_KEPT_SECONDS)
            if self._lines:
                with contextlib.suppress(OSError, ValueError):  # the reader of stdout has gone
                    self.flush()


def configure_logging(level: str) -> LineHandler:
    """Send every logger of this process to stdout as JSON.

    Args:
        level: debug, info, warning or error.
    """
    # No line shows them, and finding them out for each record takes time.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = LineHandler(sys.stdout)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    return handler


def _joined(lines: list[str]) -> Iterator[str]:
    """Lines in pieces that a pipe takes whole, so that those of other processes fall between."""
    piece: list[str] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > _PIPE_BYTES:
            yield "".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield "".join(piece)


def _timestamp(seconds: float) -> str:
    return f"{_second(int(seconds))}.{int(seconds % 1 * 1000):03d}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _frames(stack: TracebackType | None) -> list[str]:
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(stack)
    ]

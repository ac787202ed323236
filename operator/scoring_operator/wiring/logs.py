"""Logs as one JSON object a line, kopf's and aiohttp's own included."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from scoring_operator.controller.context import about

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# kopf hangs whole objects on its records; they do not belong in a log.
_HIDDEN = frozenset({"k8s_ref", "k8s_skip", "settings"})


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, what the task works on, and the record's extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **about.get(),
        }
        unknown = vars(record).keys() - _STANDARD - _HIDDEN
        line |= {key: vars(record)[key] for key in sorted(unknown)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def set_up(level: str, stream: TextIO = sys.stderr) -> None:
    """Send everything to one stream; the libraries only speak up when something is wrong."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    if level != "debug":
        for name in ("kopf", "aiohttp", "asyncio"):
            logging.getLogger(name).setLevel(logging.WARNING)
        # They log, with a trace, the end of each task, which we are told of and log ourselves.
        for name in ("orchestration", "running"):
            logging.getLogger(f"kopf._core.reactor.{name}").setLevel(logging.CRITICAL)

"""How a process of the image ends when its configuration or its model cannot work.

Kubernetes shows the content of the termination log as the container's message; together with exit
status 78 (EX_CONFIG of sysexits.h) it tells that no restart will help before something is changed.
"""

import contextlib
import logging
import os
from pathlib import Path

_log = logging.getLogger(__name__)

EXIT_CONFIG = 78
EXIT_SOFTWARE = 70

_DEFAULT_TERMINATION_LOG = "/dev/termination-log"
# Kubernetes keeps 4,096 bytes of a container's message.
_MAX_BYTES = 4000


def write_termination_message(reason: str, message: str) -> None:
    """Leave `<reason>: <message>` in the termination log, if there is one.

    Args:
        reason: a CamelCase word, such as ModelLoadFailed.
        message: one line that a person can act on.
    """
    path = Path(os.environ.get("SCORING_TERMINATION_LOG", _DEFAULT_TERMINATION_LOG))
    text = f"{reason}: {' '.join(message.split())}"
    # Outside Kubernetes there is no such file, and the log has said the same.
    with contextlib.suppress(OSError):
        path.write_bytes(text.encode(errors="replace")[:_MAX_BYTES])


def report_load_failure(error: Exception) -> None:
    """Say in the log and in the termination message why the model cannot be served."""
    _log.error("the model cannot be loaded: %s", error)
    write_termination_message("ModelLoadFailed", str(error))

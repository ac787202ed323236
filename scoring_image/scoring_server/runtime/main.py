"""scoring-server: the entry point of the image."""

import logging
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from scoring_server.artefact import ModelLoadError
from scoring_server.http.keys import ApiKeys, KeysError
from scoring_server.process.last_words import (
    EXIT_CONFIG,
    EXIT_SOFTWARE,
    report_load_failure,
    write_termination_message,
)
from scoring_server.process.logs import configure_logging
from scoring_server.runtime.environment import (
    allow_descriptors,
    fresh_scratch,
    prepare,
    return_large_blocks,
)
from scoring_server.runtime.settings import Settings, SettingsError
from scoring_server.runtime.usage import parser

_log = logging.getLogger(__name__)

# gunicorn's exit statuses for a worker that could not load its app, and for one that did not start.
_EXITS: Final = {4: EXIT_CONFIG, 3: EXIT_SOFTWARE}

# For 1,024 connections and more in a process.
_DESCRIPTORS: Final = 8192


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Read the settings, load the model, serve until SIGTERM."""
    parser().parse_args(arguments)
    configure_logging("info")
    try:
        settings = Settings.from_environment(os.environ)
        configure_logging(settings.log_level)
        keys = ApiKeys(directory) if (directory := settings.api_keys_directory) else None
        scratch = fresh_scratch(settings.port)
    except (SettingsError, KeysError, OSError) as error:
        _log.error("the server cannot be configured: %s", error)
        write_termination_message("ConfigurationInvalid", str(error))
        sys.exit(EXIT_CONFIG)
    allow_descriptors(_DESCRIPTORS)
    return_large_blocks()
    prepare(os.environ, maths_threads=settings.maths_threads, scratch=scratch)
    _serve(settings, scratch, keys)


def _serve(settings: Settings, scratch: Path, keys: ApiKeys | None) -> NoReturn:
    # Not before `prepare`: it sets what numpy and prometheus_client read when they are imported.
    from gunicorn.errors import HaltServer

    from scoring_server.runtime.inference_process import InferenceProcess
    from scoring_server.runtime.server import ScoringServer

    master = os.getpid()
    inference = InferenceProcess.start(settings, scratch) if settings.inference_process else None
    try:
        ScoringServer(settings, scratch, keys, inference.path if inference else None).run()
        sys.exit(0)
    except ModelLoadError as error:
        report_load_failure(error)
        sys.exit(EXIT_CONFIG)
    except HaltServer as end:
        # gunicorn ends so where a second worker ends for the same reason while it stops the others.
        sys.exit(_EXITS.get(end.exit_status, end.exit_status))
    except SystemExit as end:
        if os.getpid() == master and isinstance(end.code, int):
            sys.exit(_EXITS.get(end.code, end.code))
        raise  # a worker's end, which passes through here as it was forked from here
    finally:
        if os.getpid() == master:
            if inference is not None:
                inference.stop()
            shutil.rmtree(scratch, ignore_errors=True)

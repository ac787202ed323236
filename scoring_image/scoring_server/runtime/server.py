"""gunicorn, embedded: configured by Settings, loading the model where it is to live."""

import logging
import os
import socket
import threading
from pathlib import Path
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from prometheus_client.multiprocess import mark_process_dead

from scoring_server.artefact import ModelLoadError
from scoring_server.batching import DeviceLost
from scoring_server.http.app import create_app
from scoring_server.http.keys import ApiKeys
from scoring_server.http.metrics import Metrics
from scoring_server.http.score import ROUTE
from scoring_server.http.service import Scorer, Service
from scoring_server.images.sharing.errors import OwnerFailed
from scoring_server.process.last_words import report_load_failure, write_termination_message
from scoring_server.process.logs import LineHandler
from scoring_server.runtime.front.limits import FrontSettings
from scoring_server.runtime.front.shares import Shares
from scoring_server.runtime.front.worker import Worker
from scoring_server.runtime.loading import load_scorer
from scoring_server.runtime.memory import available_bytes
from scoring_server.runtime.settings import FAQ_MATCHING, IMAGE_CLASSIFICATION, Settings

_log = logging.getLogger(__name__)

# A worker whose main loop does not move for so long is killed. Loading runs beside that loop.
_WORKER_TIMEOUT_SECONDS: Final = 60
# What waited for a device that is lost was refused at once; so long the refusals may take.
_LOST_SECONDS: Final = 2.0
_CONNECTIONS: Final = 1024
# What the kernel keeps for a worker that does not look for a moment.
_BACKLOG: Final = 1024
# The part of the memory that unfinished requests of all workers may take, within bounds for each.
_HELD_SHARE: Final = 8
_MIN_HELD_BYTES: Final = 16 * 1024 * 1024
_MAX_HELD_BYTES: Final = 256 * 1024 * 1024
# Probes, metrics and the page, in each worker.
_OTHER_THREADS: Final = 4


class ServerLogger(Logger):  # type: ignore[misc]  # gunicorn has no annotations
    """gunicorn's messages through this process's own logging."""

    def setup(self, cfg: Any) -> None:
        """Leave the handlers to the root logger."""
        self.cfg = cfg
        self.error_log.propagate = True

    def access(self, *_arguments: Any) -> None:
        """The app logs requests itself, by route instead of path."""


class ScoringServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no annotations
    """The server of one model.

    A FAQ model is loaded before the workers are forked, which then share its memory. An image model
    is loaded by its worker, as its libraries start threads, which a fork would lose, or by a
    process that all workers share; workers answer probes meanwhile.

    Args:
        settings: of this server.
        scratch: a folder in memory for the workers' heartbeats.
        keys: one of which scoring requests must carry; None: everyone may score.
        inference: the Unix socket of the process that owns the image model; None: each worker has
            the model.
    """

    def __init__(
        self,
        settings: Settings,
        scratch: Path,
        keys: ApiKeys | None,
        inference: Path | None = None,
    ) -> None:
        self._settings = settings
        self._inference = inference
        self._keys = keys
        self._scratch = scratch
        self._metrics = Metrics()
        self._service = Service()
        self.shares = Shares(settings.workers)
        super().__init__()

    def load_config(self) -> None:
        """Hand the settings to gunicorn; its own files, arguments and variables are not read."""
        settings = self._settings
        host = "[::]" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - a pod's own address is not known here
        options = {
            "bind": f"{host}:{settings.port}",
            "backlog": _BACKLOG,
            "workers": settings.workers,
            "worker_class": Worker,
            "worker_tmp_dir": str(self._scratch),
            "preload_app": settings.model_type == FAQ_MATCHING,
            "timeout": _WORKER_TIMEOUT_SECONDS,
            "graceful_timeout": settings.drain_seconds,
            "control_socket_disable": True,
            "logger_class": ServerLogger,
            "loglevel": settings.log_level,
            "proc_name": "scoring-server",
            "pre_fork": self._worker_begins,
            "post_worker_init": self._worker_started,
            "worker_exit": self._worker_stops,
            "child_exit": self._worker_ended,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    @property
    def front(self) -> FrontSettings:
        """What each worker's network side is told."""
        settings = self._settings
        return FrontSettings(
            places=settings.concurrent_scores,
            most_places=settings.most_places,
            scoring_threads=settings.scoring_threads,
            other_threads=_OTHER_THREADS,
            connections=max(_CONNECTIONS, 2 * settings.threads),
            max_body_bytes=settings.max_body_bytes,
            held_bytes=min(
                max(available_bytes() // _HELD_SHARE // settings.workers, _MIN_HELD_BYTES),
                _MAX_HELD_BYTES,
            ),
            client_seconds=settings.request_timeout_seconds,
            cheap_bytes=settings.cheap_bytes,
            in_flight=self._metrics.in_flight,
            refused=self._refused,
        )

    def _refused(self, count: int) -> None:
        self._metrics.turned_away(ROUTE, count)
        _log.info("requests refused: too many at once", extra={"count": count})

    def load(self) -> Flask:
        """The app; for a FAQ with its model, in the master process."""
        if self._settings.model_type == FAQ_MATCHING:
            self._service.ready(self._load_scorer())
        return create_app(self._service, self._settings.http, self._metrics, self._keys)

    def _worker_begins(self, arbiter: Any, worker: Any) -> None:
        worker.slot = self.shares.free_slot(other.slot for other in arbiter.WORKERS.values())

    def _worker_ended(self, _arbiter: Any, worker: Any) -> None:
        """Take the worker's part out of what counts what lives."""
        self.shares.leave(worker.slot)
        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # the library annotates in part

    def _worker_started(self, _worker: Any) -> None:
        for handler in logging.getLogger().handlers:
            if isinstance(handler, LineHandler):
                handler.start_buffering()
        if self._service.scorer is not None:
            self._announce(self._service.scorer)
        else:
            threading.Thread(target=self._load_here, name="loading", daemon=True).start()

    def _load_scorer(self) -> Scorer:
        return load_scorer(self._settings, self._metrics, self._device_lost, self._inference)

    def _load_here(self) -> None:
        try:
            scorer = self._load_scorer()
        except ModelLoadError as error:
            report_load_failure(error)
            # Ends the worker from this thread, and the master after it. No request is lost by it:
            # none is accepted before the model is loaded.
            os._exit(Arbiter.APP_LOAD_ERROR)
        except OwnerFailed as failure:  # which has reported it
            refused = failure.reason == "ModelLoadFailed"
            os._exit(Arbiter.APP_LOAD_ERROR if refused else Arbiter.WORKER_BOOT_ERROR)
        except DeviceLost as lost:
            self._device_lost(lost)
            return
        except BaseException as error:
            _log.critical("loading the model failed: %s", error, exc_info=True)
            write_termination_message("LoadingCrashed", f"{type(error).__name__}: {error}")
            os._exit(Arbiter.WORKER_BOOT_ERROR)
        self._announce(scorer)
        self._service.ready(scorer)

    def _device_lost(self, lost: DeviceLost) -> None:
        """Take no more requests, answer those that wait, and end: only a new process can help."""
        self._service.fail()
        _log.critical("the device is lost: %s", lost)
        write_termination_message(type(lost).__name__, str(lost))
        end = threading.Timer(_LOST_SECONDS, os._exit, [Arbiter.WORKER_BOOT_ERROR])
        end.daemon = True
        end.start()

    def _announce(self, scorer: Scorer) -> None:
        self._metrics.model_loaded(scorer.model, scorer.backend)
        _log.info(
            "the model is loaded",
            extra={"model": vars(scorer.model), "backend": vars(scorer.backend)},
        )
        if scorer.model.type == IMAGE_CLASSIFICATION:
            _warn_of_random_weights(scorer.model.weights)

    def _worker_stops(self, _arbiter: Any, _worker: Any) -> None:
        if self._service.scorer is not None:
            self._service.scorer.close()
        for handler in logging.getLogger().handlers:
            handler.flush()


def _warn_of_random_weights(weights: str) -> None:
    # Not above: it brings Pillow with it, which takes memory and is of no use to a FAQ server.
    from scoring_server.images.spec import RANDOM_WEIGHTS

    if weights == RANDOM_WEIGHTS:
        _log.warning("the model's weights are random: its answers mean nothing")

"""The process that owns an image model for all workers: one context on the GPU, one copy of it."""

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scoring_server.artefact import ModelLoadError
from scoring_server.batching import DeviceLost
from scoring_server.http.metrics import Metrics
from scoring_server.http.service import BatchInfo
from scoring_server.process.last_words import report_load_failure, write_termination_message
from scoring_server.runtime.settings import Settings

if TYPE_CHECKING:
    from scoring_server.images.sharing.owner import Owner

_log = logging.getLogger(__name__)

# What `ps` and `top` call it.
_NAME: Final = "inference"
_NAME_FILE: Final = Path("/proc/self/comm")
_SOCKET: Final = "inference.sock"
# More workers than this never connect at once.
_BACKLOG: Final = 128
# Slots of those that gave up are taken until the batch that they are in is done.
_SLOTS_PER_PLACE: Final = 2
_STOP_SECONDS: Final = 10.0


class InferenceProcess:
    """A child of the master process. It outlives every worker, and ends when the last has ended.

    Attributes:
        path: the Unix socket that workers connect to; they wait there while the model is loaded.
    """

    def __init__(self, path: Path, pid: int, alive: int) -> None:
        self.path = path
        self._pid = pid
        self._alive = alive

    @classmethod
    def start(cls, settings: Settings, scratch: Path) -> "InferenceProcess":
        """Fork it, before anything starts threads or touches the GPU.

        Args:
            settings: of this server.
            scratch: a folder of this server's own.
        """
        path = scratch / _SOCKET
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(_BACKLOG)
        # Nothing is ever written: workers inherit the writing end, and the kernel tells the reader
        # when all who had it are gone, however they ended.
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            _run(settings, listener, reading)
        os.close(reading)
        # Else connections to an owner that is gone would wait for ever.
        listener.close()
        return cls(path, pid, writing)

    def stop(self) -> None:
        """Let it end; the workers have."""
        os.close(self._alive)
        deadline = time.monotonic() + _STOP_SECONDS
        while not self._has_ended():
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
                deadline = float("inf")
            time.sleep(0.01)

    def _has_ended(self) -> bool:
        try:
            return os.waitpid(self._pid, os.WNOHANG)[0] != 0
        except ChildProcessError:  # gunicorn, which collects all children, was faster
            return True


def _run(settings: Settings, listener: socket.socket, alive: int) -> None:
    """The child, which never returns."""
    # The whole process group may be told to stop; what was accepted is to be computed.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # some sandboxes have no such file
        _NAME_FILE.write_text(_NAME)
    status = 1
    try:
        # Not above: it brings Pillow, of no use to a FAQ server.
        from scoring_server.images.sharing.owner import Owner

        owner = Owner(listener, alive)
        _load(owner, settings)
        owner.run()
        status = 0
    except BaseException as error:
        _log.critical("the inference process failed: %s", error, exc_info=True)
    finally:
        logging.shutdown()
        os._exit(status)


def _load(owner: "Owner", settings: Settings) -> None:
    from scoring_server.images.backends import CompilingBackend, DecodingBackend, device_of
    from scoring_server.images.serving import open_warm
    from scoring_server.images.sharing.errors import DEVICE_LOST
    from scoring_server.images.sharing.facts import ModelFacts

    try:
        model = open_warm(
            settings.model_path,
            device=settings.device,
            threads=settings.maths_threads,
            max_batch=settings.max_batch_size,
        )
    except ModelLoadError as error:
        report_load_failure(error)
        owner.fail("ModelLoadFailed", str(error))
        return
    except DeviceLost as lost:
        owner.fail(DEVICE_LOST, str(lost))
        return
    except BaseException as error:
        _log.critical("loading the model failed: %s", error, exc_info=True)
        message = f"{type(error).__name__}: {error}"
        write_termination_message("LoadingCrashed", message)
        owner.fail("LoadingCrashed", message)
        return
    backend = model.backend
    metrics = Metrics().batches()
    found = model.calibration
    rates = {str(size): rate for size, rate in found.images_per_second.items()}
    metrics.calibrated(BatchInfo(found.max_batch, found.measured, rates))
    facts = ModelFacts(
        labels=model.labels,
        preprocessing=model.spec.preprocessing,
        device=device_of(backend),
        calibration=found,
        info=vars(model.info),
        jpeg_bytes=backend.jpeg_bytes if isinstance(backend, DecodingBackend) else 0,
    )
    owner.own(
        backend,
        facts,
        slots=_SLOTS_PER_PLACE * settings.image_places,
        max_delay=settings.max_batch_delay_seconds,
        observer=metrics,
    )
    if settings.torch_compile and isinstance(backend, CompilingBackend):
        threading.Thread(target=backend.compile, name="compiling", daemon=True).start()

"""The servers under measurement: this one and its peers, each from its own environment."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.images_peers.common import (
    DELAY_SECONDS,
    MAX_BATCH,
    MODEL_VARIABLE,
    PORT_VARIABLE,
    THREADS_VARIABLE,
)
from benchmarks.processes import cpu_seconds, memory_megabytes, process_tree
from tests.cluster.paths import cache_root
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
_PATIENCE_SECONDS = 300.0
# What a peer that was paused has for its timers that are overdue.
_WAKING_SECONDS = 0.3


@dataclass(frozen=True)
class Kind:
    """One way to serve.

    Attributes:
        name: as the tables show it.
        environment: the folder of its Python; None: this one.
        command: the command line, from the model, the port and a folder of its own.
        ready, path: where it says that it is ready, and where it scores.
        request: content type and body of one image.
        torch: whether it needs the network's weights for torch.
        int8: whether it serves the quantised form of the model.
    """

    name: str
    environment: str | None
    command: Callable[[Path, int, Path], list[str]]
    ready: str
    path: str
    request: Callable[[bytes], tuple[str, bytes]]
    torch: bool = False
    int8: bool = False


def _json(document: Any) -> tuple[str, bytes]:
    return "application/json", json.dumps(document).encode()


def _text(image: bytes) -> str:
    return base64.b64encode(image).decode()


def _module(name: str) -> Callable[[Path, int, Path], list[str]]:
    return lambda _model, _port, _folder: ["python", "-m", f"benchmarks.images_peers.{name}"]


def _reference(_model: Path, port: int, _folder: Path) -> list[str]:
    app = "benchmarks.images_peers.reference_app:application()"
    bind = ["--bind", f"127.0.0.1:{port}", "--workers", "1", "--timeout", "300"]
    return ["gunicorn", app, *bind, "--no-control-socket"]


def _bentoml(_model: Path, port: int, _folder: Path) -> list[str]:
    app = "benchmarks.images_peers.bentoml_app:Images"
    return ["bentoml", "serve", app, "--port", str(port), "--host", "127.0.0.1"]


def _mlserver(_model: Path, port: int, folder: Path) -> list[str]:
    model = {
        "name": "images",
        "implementation": "benchmarks.images_peers.mlserver_model.ImageRuntime",
        "max_batch_size": MAX_BATCH,
        "max_batch_time": DELAY_SECONDS,
    }
    ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    (folder / "model-settings.json").write_text(json.dumps(model))
    (folder / "settings.json").write_text(
        json.dumps({**ports, "host": "127.0.0.1", "debug": False})
    )
    return ["mlserver", "start", str(folder)]


def _mlserver_request(image: bytes) -> tuple[str, bytes]:
    tensor = {"name": "images", "shape": [1], "datatype": "BYTES", "data": [_text(image)]}
    return _json({"inputs": [{**tensor, "parameters": {"content_type": "str"}}]})


OURS = Kind(
    "scoring-server",
    None,
    lambda _model, _port, _folder: ["scoring-server"],
    "/healthz/ready",
    "/score",
    lambda image: ("image/jpeg", image),
)
OURS_JSON = Kind(
    "scoring-server, JSON",
    None,
    OURS.command,
    OURS.ready,
    OURS.path,
    lambda image: _json({"input": {"image": _text(image)}}),
)
OURS_INT8 = replace(OURS, name="scoring-server, int8", int8=True)
REFERENCE = Kind(
    "the reference's way",
    None,
    _reference,
    "/ready",
    "/score",
    OURS_JSON.request,
    torch=True,
)
PEERS = (
    Kind(
        "LitServe",
        "litserve",
        _module("litserve_app"),
        "/health",
        "/predict",
        lambda image: _json({"image": _text(image)}),
    ),
    Kind(
        "MLServer",
        "mlserver",
        _mlserver,
        "/v2/models/images/ready",
        "/v2/models/images/infer",
        _mlserver_request,
    ),
    Kind(
        "BentoML",
        "bentoml",
        _bentoml,
        "/readyz",
        "/score",
        lambda image: _json({"images": [_text(image)]}),
    ),
    Kind(
        "FastAPI",
        "fastapi",
        _module("fastapi_app"),
        "/ready",
        "/score",
        lambda image: ("image/jpeg", image),
    ),
)
KINDS = (OURS, OURS_JSON, OURS_INT8, REFERENCE, *PEERS)


def prepare(kind: Kind, say: Callable[[str], None]) -> Path:
    """The folder of programs of a kind's environment, which is made where it is missing."""
    if kind.environment is None:
        return Path(sys.executable).parent
    requirements = ROOT / "benchmarks" / f"requirements-images-{kind.environment}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = cache_root() / "benchmarks" / f"{kind.environment}-{digest}"
    done = folder / ".ready"
    if not done.exists():
        say(f"installing {kind.name} into an environment of its own")
        shutil.rmtree(folder, ignore_errors=True)
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
        python = str(folder / "bin" / "python")
        install = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python]
        subprocess.run([*install, str(requirements)], check=True)
        done.touch()
    return folder / "bin"


class Running:
    """A server on loopback; ends with the with-block.

    Attributes:
        kind: what it is.
        port: where it listens.
        folder: its own, for what belongs to it.
        start_seconds: from the start of the process until it said that it is ready.
    """

    def __init__(self, kind: Kind, programs: Path, model: Path, cores: int, folder: Path) -> None:
        self.kind = kind
        self.port = free_port()
        self.folder = folder
        folder.mkdir(parents=True)
        program, *arguments = kind.command(model, self.port, folder)
        self._log = folder / "log"
        with self._log.open("wb") as log:
            started = time.perf_counter()
            self._process = subprocess.Popen(
                [str(programs / program), *arguments],
                cwd=folder,  # some servers leave files where they start
                env=self._environment(programs, model, cores, folder),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self._end()
            raise
        self.start_seconds = time.perf_counter() - started

    def __enter__(self) -> "Running":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def pause(self) -> None:
        """Let a peer sleep while others are measured: LitServe polls with a tenth of a core.

        gunicorn's master would take workers that were stopped for dead; they cost next to nothing.
        """
        if self.kind.environment is not None:
            os.killpg(self._process.pid, signal.SIGSTOP)

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        """Not paused within a with-block."""
        if self.kind.environment is not None:
            os.killpg(self._process.pid, signal.SIGCONT)
            time.sleep(_WAKING_SECONDS)
        yield
        self.pause()

    def cpu_seconds(self) -> float:
        """Used by all its processes until now, those that have ended included."""
        return sum(cpu_seconds(pid) for pid in process_tree(self._process.pid))

    def memory_megabytes(self) -> float:
        """Proportional set size of all its processes: what they share counts once."""
        return sum(memory_megabytes(pid) for pid in process_tree(self._process.pid))

    def _environment(self, programs: Path, model: Path, cores: int, folder: Path) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), str(ROOT / "scoring_image")])
        return os.environ | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": path,
            "OMP_NUM_THREADS": str(cores),
            MODEL_VARIABLE: str(model),
            THREADS_VARIABLE: str(cores),
            PORT_VARIABLE: str(self.port),
            "SCORING_MODEL_TYPE": "image-classification",
            "SCORING_MODEL_PATH": str(model),
            "SCORING_PORT": str(self.port),
            "SCORING_CPUS": str(cores),
            "SCORING_LOG_LEVEL": "warning",
            "SCORING_REQUEST_TIMEOUT_SECONDS": "120",
            "SCORING_TERMINATION_LOG": str(folder / "termination-log"),
            "BENTOML_HOME": str(folder / "bentoml"),
            "BENTOML_DO_NOT_TRACK": "1",
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.kind.ready}", timeout=5)
            except OSError:
                time.sleep(0.1)
            else:
                return
        log = self._log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{self.kind.name} did not start:\n{log}")

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGCONT)
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=20)
        # LitServe's children outlive it, and go on polling.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

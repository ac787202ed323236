"""Settings from the environment."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from scoring_server.http.settings import HttpSettings
from scoring_server.process.cpus import available_cpus

# Written out, not imported: this module is read before the variables are set that numpy and
# prometheus_client look at when they are imported.
FAQ_MATCHING: Final = "faq-matching"
IMAGE_CLASSIFICATION: Final = "image-classification"
MODEL_TYPES: Final = (FAQ_MATCHING, IMAGE_CLASSIFICATION)
DEVICES: Final = ("cpu", "gpu")
_SWITCH: Final = ("on", "off")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")

_MODELS: Final = Path("/opt/scoring/models")
# FAQ: as many places as a few callers with some connections each need. One thread scores what the
# one that reads and refuses does not score itself: Python computes one at a time anyway, and each
# further one would be a turn that the reading thread waits for.
_FAQ_THREADS: Final = 32
_FAQ_SCORING_THREADS: Final = 1
# A question with its head; a list of as many bytes takes some milliseconds.
_CHEAP_FAQ_BYTES: Final = 4096
# Questions that one worker takes at most, however cheap they are.
_MAX_FAQ_PLACES: Final = 512
# Images: a place for each that may be in the house (64), and some for refusals and probes.
_IMAGE_THREADS: Final = 80
# Images in the house of one worker at once, at least. 2 cores compute about 15 ResNet-152 images a
# second, so the last of them waits for about 4 s; an array of 224 x 224 pixels takes 150 kB.
_IMAGE_PLACES: Final = 64
# On a GPU workers decode for one process that computes: about 230 photographs a second each.
_MAX_DECODING_WORKERS: Final = 16
# Where an image model computes: in each worker, or in a process of its own that they share.
_INFERENCE: Final = ("auto", "worker", "process")
# The share of the threads that never scores, so that a refusal or a probe finds a free one.
_RESERVED_SHARE: Final = 0.2
# A FAQ worker answers thousands of requests a second; more of them than this serve nobody.
_MAX_FAQ_WORKERS: Final = 8

# The bounds of the ScoringService resource.
_MAX_WORKERS: Final = 64
_MAX_THREADS: Final = 512
_MAX_CONCURRENCY: Final = 10_000
_MAX_BATCH_SIZE: Final = 1024
_MAX_BATCH_DELAY_MILLISECONDS: Final = 1000
_PATH_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+/?")
_MAX_PREFIX_CHARACTERS: Final = 256

Value = TypeVar("Value")


class SettingsError(Exception):
    """A variable is missing or wrong; the message says which and what it may be."""


@dataclass(frozen=True)
class Settings:
    """What a scoring server is told by its environment.

    Attributes:
        model_type: "faq-matching" or "image-classification".
        model_path: the directory of the artefact.
        device: "cpu" or "gpu".
        port: where it listens, on every address.
        workers: processes.
        threads: request threads per worker.
        cpus: what the maths libraries may use.
        max_body_bytes, request_timeout_seconds, path_prefix, page: see HttpSettings.
        max_concurrency: /score requests that all workers together work on; None: as many as their
            threads allow.
        max_batch_size: images that are computed at once; None: the best for the hardware.
        max_batch_delay_seconds: how long a batch of images waits for more.
        api_keys_directory: holds a file for each API key; None: everyone may score.
        drain_seconds: how long SIGTERM may take to finish what is in flight.
        torch_compile: whether that process compiles the model while it serves it.
        inference_process: whether a process of its own has the image model, for all workers.
        log_level: debug, info, warning or error.
    """

    model_type: str
    model_path: Path
    device: str
    port: int
    workers: int
    threads: int
    cpus: float
    max_body_bytes: int
    request_timeout_seconds: float
    drain_seconds: int
    log_level: str
    path_prefix: str = ""
    max_concurrency: int | None = None
    max_batch_size: int | None = None
    max_batch_delay_seconds: float = 0.0
    api_keys_directory: Path | None = None
    page: bool = True
    inference_process: bool = False
    torch_compile: bool = False

    @property
    def maths_threads(self) -> int:
        """Threads of the maths libraries in one worker.

        Whole CPUs: a thread more would use up the quota sooner and then be stopped. FAQ workers
        have one each, as there is a worker for every CPU.
        """
        return 1 if self.model_type == FAQ_MATCHING else max(1, int(self.cpus))

    @property
    def concurrent_scores(self) -> int:
        """How many /score requests one worker works on at a time.

        Some of the threads are left for refusals and probes. Of max_concurrency each worker gets an
        equal whole share, so that the pod stays within it.
        """
        unreserved = max(1, int(self.threads * (1 - _RESERVED_SHARE)))
        if self.max_concurrency is None:
            return unreserved
        return min(unreserved, self.max_concurrency // self.workers)

    @property
    def most_places(self) -> int:
        """How many /score requests may be in one worker at a time while they are cheap.

        An image's place is one in the queue of the model, and a limit that was asked for is kept.
        """
        if self.model_type == FAQ_MATCHING and self.max_concurrency is None:
            return max(_MAX_FAQ_PLACES, self.concurrent_scores)
        return self.concurrent_scores

    @property
    def scoring_threads(self) -> int:
        """Threads of one worker that answer scoring requests.

        None of them waits for anything. With questions one thread is as fast as many and leaves the
        interpreter to the one that reads and refuses; images are decoded on all CPUs.
        """
        if self.model_type == FAQ_MATCHING:
            return min(_FAQ_SCORING_THREADS, self.concurrent_scores)
        return self.decoders

    @property
    def cheap_bytes(self) -> int:
        """How long a request may be that a worker's main thread answers: a question, no long list.

        An image is decoded first, and a few bytes may promise 32 megapixels.
        """
        return _CHEAP_FAQ_BYTES if self.model_type == FAQ_MATCHING else 0

    @property
    def image_places(self) -> int:
        """How many images may be in the house of one worker at once.

        A server that was given more threads for it holds more.
        """
        return max(_IMAGE_PLACES, self.concurrent_scores)

    @property
    def decoders(self) -> int:
        """How many large images one worker decodes at once."""
        return max(1, int(self.cpus) // self.workers)

    @property
    def http(self) -> HttpSettings:
        """What the app needs of it."""
        return HttpSettings(
            max_body_bytes=self.max_body_bytes,
            request_timeout_seconds=self.request_timeout_seconds,
            concurrent_scores=self.concurrent_scores,
            workers=self.workers,
            threads=self.threads,
            path_prefix=self.path_prefix,
            page=self.page,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the SCORING_* variables; an empty one counts as unset.

        Raises:
            SettingsError: one is missing or wrong.
        """
        read = _Reader(environment)
        model_type = read.choice("SCORING_MODEL_TYPE", MODEL_TYPES)
        cpus = read.number("SCORING_CPUS", available_cpus(), minimum=0.001)
        is_faq = model_type == FAQ_MATCHING
        device = read.choice("SCORING_DEVICE", DEVICES, "cpu")
        inference = read.choice("SCORING_INFERENCE", _INFERENCE, "auto")
        # A GPU computes for several workers, each of which decodes on one CPU.
        owned = not is_faq and (inference == "process" or (inference, device) == ("auto", "gpu"))
        # Else an image worker holds a model of its own and uses all CPUs; FAQ workers share one.
        most = _MAX_FAQ_WORKERS if is_faq else _MAX_DECODING_WORKERS if owned else 1
        workers = min(max(1, int(cpus)), most)
        workers = read.integer("SCORING_WORKERS", workers, minimum=1, maximum=_MAX_WORKERS)
        concurrency = read.optional_integer("SCORING_MAX_CONCURRENCY", 1, _MAX_CONCURRENCY)
        delay = read.optional_integer(
            "SCORING_MAX_BATCH_DELAY_MILLISECONDS", 0, _MAX_BATCH_DELAY_MILLISECONDS
        )
        api_keys = read.text("SCORING_API_KEYS_DIR", "")
        return cls(
            model_type=model_type,
            model_path=Path(read.text("SCORING_MODEL_PATH", str(_MODELS / model_type))),
            device=device,
            port=read.integer("SCORING_PORT", 8080, minimum=1, maximum=65_535),
            # A worker without a share of the concurrency would refuse all that reaches it.
            workers=min(workers, concurrency or workers),
            threads=read.integer(
                "SCORING_THREADS",
                _FAQ_THREADS if is_faq else _IMAGE_THREADS,
                minimum=1,
                maximum=_MAX_THREADS,
            ),
            cpus=cpus,
            max_body_bytes=read.integer("SCORING_MAX_BODY_BYTES", 10_485_760, minimum=1),
            request_timeout_seconds=read.number(
                "SCORING_REQUEST_TIMEOUT_SECONDS", 30.0, minimum=0.001
            ),
            drain_seconds=read.integer("SCORING_DRAIN_SECONDS", 30, minimum=1),
            log_level=read.choice("SCORING_LOG_LEVEL", LOG_LEVELS, "info"),
            path_prefix=read.path_prefix("SCORING_PATH_PREFIX"),
            max_concurrency=concurrency,
            max_batch_size=read.optional_integer("SCORING_MAX_BATCH_SIZE", 1, _MAX_BATCH_SIZE),
            max_batch_delay_seconds=(delay or 0) / 1000,
            api_keys_directory=Path(api_keys) if api_keys else None,
            inference_process=owned,
            torch_compile=read.choice("SCORING_TORCH_COMPILE", _SWITCH, "off") == "on",
            page=read.choice("SCORING_PAGE", _SWITCH, "on") == "on",
        )


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def text(self, name: str, default: str) -> str:
        return self._environment.get(name, "").strip() or default

    def choice(self, name: str, choices: tuple[str, ...], default: str = "") -> str:
        value = self.text(name, default)
        if value not in choices:
            problem = f"is {value!r}" if value else "is not set"
            raise SettingsError(f"{name} {problem}; it must be one of {', '.join(choices)}")
        return value

    def integer(self, name: str, default: int, *, minimum: int, maximum: int | None = None) -> int:
        value = self._parse(name, default, int, "a whole number")
        if value < minimum or (maximum is not None and value > maximum):
            bounds = f"at least {minimum}" + (f" and at most {maximum}" if maximum else "")
            raise SettingsError(f"{name} is {value}; it must be {bounds}")
        return value

    def optional_integer(self, name: str, minimum: int, maximum: int) -> int | None:
        if not self.text(name, ""):
            return None
        return self.integer(name, minimum, minimum=minimum, maximum=maximum)

    def path_prefix(self, name: str) -> str:
        value = self.text(name, "")
        if value in {"", "/"}:
            return ""
        if len(value) > _MAX_PREFIX_CHARACTERS or not _PATH_PREFIX.fullmatch(value):
            raise SettingsError(
                f"{name} is {value[:50]!r}; it must be a path such as /faq, of letters, digits and "
                f"-._~ between slashes, with at most {_MAX_PREFIX_CHARACTERS} characters"
            )
        return value.rstrip("/")

    def number(self, name: str, default: float, *, minimum: float) -> float:
        value = self._parse(name, default, float, "a number")
        if not minimum <= value < float("inf"):
            raise SettingsError(f"{name} is {value:g}; it must be at least {minimum:g}")
        return value

    def _parse(self, name: str, default: Value, parse: Callable[[str], Value], what: str) -> Value:
        text = self.text(name, "")
        if not text:
            return default
        try:
            return parse(text)
        except ValueError:
            raise SettingsError(f"{name} is {text[:50]!r}; it must be {what}") from None

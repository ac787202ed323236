"""The model that a command works on."""

from dataclasses import dataclass
from pathlib import Path

from scoring_server.artefact import Artefact, open_artefact
from scoring_server.images.backends import Backend, open_compute
from scoring_server.images.spec import KIND, ImageSpec, read_labels


@dataclass(frozen=True)
class Model:
    """A verified artefact, not yet loaded by a backend."""

    artefact: Artefact
    spec: ImageSpec
    labels: tuple[str, ...]

    @classmethod
    def open(cls, directory: Path) -> "Model":
        """Read the artefact in a directory.

        Raises:
            ModelLoadError: it is none.
        """
        artefact = open_artefact(directory, KIND)
        return cls(
            artefact, ImageSpec.from_details(artefact.manifest.details), read_labels(artefact)
        )

    def backend(self, compute: str, *, threads: int, max_batch: int) -> Backend:
        """It, computed in one of the ways of backends.COMPUTES.

        Raises:
            ModelLoadError: it cannot be loaded.
        """
        return open_compute(
            self.artefact,
            self.spec,
            compute,
            classes=len(self.labels),
            threads=threads,
            max_batch=max_batch,
        )

    def label(self, compute: str, backend: Backend) -> str:
        """What a table calls a way to compute it."""
        label = f"{backend.name} {backend.precision}"
        # A quantised model keeps some layers in floats, whose precision may be chosen.
        if self.spec.int8 and compute in {"openvino-f32", "openvino-bf16"}:
            return f"{label}, rest {compute.removeprefix('openvino-')}"
        return label

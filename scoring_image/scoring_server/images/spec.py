"""What model.json says about an image model beyond what every artefact says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from scoring_server.artefact import Artefact, ModelLoadError
from scoring_server.images.preprocess import Preprocessing

KIND: Final = "image-classification"
LABELS_FILE: Final = "labels.json"
OPENVINO_FILES: Final = ("model.xml", "model.bin")
SAFETENSORS_FILE: Final = "model.safetensors"
RANDOM_WEIGHTS: Final = "random"


@dataclass(frozen=True)
class ImageSpec:
    """An image model as its manifest describes it.

    Attributes:
        architecture: the name that the torch backend builds the network by.
        preprocessing: from picture to input.
        mean, std: per-channel normalisation of the input scaled to 0…1, red first.
        int8: whether the OpenVINO model is quantised.
    """

    architecture: str
    preprocessing: Preprocessing
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    int8: bool = False

    def to_details(self) -> dict[str, Any]:
        """The keys of model.json that only an image model has."""
        return {
            "architecture": self.architecture,
            "preprocessing": {
                "method": self.preprocessing.method,
                "size": self.preprocessing.size,
                "resize": self.preprocessing.resize,
                "interpolation": self.preprocessing.interpolation,
            },
            "normalisation": {"mean": list(self.mean), "std": list(self.std)},
            "int8": self.int8,
        }

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> "ImageSpec":
        """Parse what to_details wrote.

        Raises:
            ModelLoadError: a key is missing or wrong.
        """
        try:
            preprocessing = details["preprocessing"]
            normalisation = details["normalisation"]
            return cls(
                architecture=str(details["architecture"]),
                preprocessing=Preprocessing(
                    method=str(preprocessing["method"]),
                    size=int(preprocessing["size"]),
                    resize=int(preprocessing["resize"]),
                    interpolation=str(preprocessing["interpolation"]),
                ),
                mean=_channels(normalisation["mean"]),
                std=_channels(normalisation["std"]),
                int8=details.get("int8", False) is True,
            )
        except KeyError as error:
            raise ModelLoadError(f"model.json of the image model lacks {error}") from None
        except (TypeError, ValueError) as error:
            raise ModelLoadError(f"model.json of the image model is not valid: {error}") from None


def read_labels(artefact: Artefact) -> tuple[str, ...]:
    """The labels of an artefact, by class index.

    Raises:
        ModelLoadError: missing, or not a list of texts.
    """
    try:
        labels = orjson.loads(artefact.read_bytes(LABELS_FILE))
    except orjson.JSONDecodeError:
        raise ModelLoadError(f"{LABELS_FILE} is not valid JSON") from None
    if not isinstance(labels, list) or not labels or not all(isinstance(x, str) for x in labels):
        raise ModelLoadError(f"{LABELS_FILE} must be a list of at least one label")
    return tuple(labels)


def _channels(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue

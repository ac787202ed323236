"""What a worker must know of the model that another process owns, as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scoring_server.images.backends.base import Device
from scoring_server.images.calibration import Calibration
from scoring_server.images.preprocess import Preprocessing


@dataclass(frozen=True)
class ModelFacts:
    """A model without what computes it.

    Attributes:
        labels: by class index.
        jpeg_bytes: the largest JPEG file that its process decodes; 0: it takes pictures.
        info: what /version says about the model; see serving.ImageModelInfo.
    """

    labels: tuple[str, ...]
    preprocessing: Preprocessing
    device: Device
    calibration: Calibration
    info: Mapping[str, str]
    jpeg_bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        """For from_json in another process."""
        rates = {str(size): rate for size, rate in self.calibration.images_per_second.items()}
        return {
            "labels": list(self.labels),
            "preprocessing": asdict(self.preprocessing),
            "device": asdict(self.device),
            "calibration": {**asdict(self.calibration), "images_per_second": rates},
            "info": dict(self.info),
            "jpeg_bytes": self.jpeg_bytes,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ModelFacts":
        """What to_json wrote; both processes run the same code."""
        calibration = document["calibration"]
        rates = {int(size): rate for size, rate in calibration["images_per_second"].items()}
        return cls(
            labels=tuple(document["labels"]),
            preprocessing=Preprocessing(**document["preprocessing"]),
            device=Device(**document["device"]),
            calibration=Calibration(**{**calibration, "images_per_second": rates}),
            info=document["info"],
            jpeg_bytes=document["jpeg_bytes"],
        )

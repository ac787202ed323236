"""JPEG files to a model's input on a GPU (nvJPEG); the same code runs on the CPU, for tests."""

import logging
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate
from torchvision.io import ImageReadMode, decode_jpeg

from scoring_server.images.preprocess import STANDARD, Preprocessing

_log = logging.getLogger(__name__)

# The largest file that is handed over as it is: a photograph of 1,000 x 1,000 pixels takes as much.
LARGEST_FILE_BYTES: Final = 256 * 1024
# With bicubic interpolation torch and Pillow differ by up to 7 grey levels, with bilinear by 1.
_INTERPOLATION: Final = "bilinear"


class JpegDecoder:
    """Decodes, resizes and crops as Preprocessing does, to within one grey level.

    Args:
        way: "standard", with bilinear interpolation.
        place: where the pictures are decoded, and stay.
    """

    def __init__(self, way: Preprocessing, place: torch.device) -> None:
        self._way = way
        self._place = place

    def decode(self, files: Sequence[NDArray[np.uint8]]) -> list[torch.Tensor | None]:
        """Pictures of shape (size, size, 3) on the device; None for a damaged file.

        Args:
            files: the bytes of upright JPEGs in RGB or grey, whose size is within bounds.
        """
        # Decoders read from ordinary memory only.
        sources = [torch.from_numpy(file.copy()) for file in files]
        try:
            return [self._shape(image) for image in self._read(sources)]
        except torch.AcceleratorError:
            raise
        except RuntimeError:  # one of them is damaged
            return [self._decode_alone(source) for source in sources]

    def _decode_alone(self, source: torch.Tensor) -> torch.Tensor | None:
        try:
            return self._shape(self._read([source])[0])
        except torch.AcceleratorError:
            raise
        except RuntimeError:
            return None

    def _read(self, sources: list[torch.Tensor]) -> list[torch.Tensor]:
        found: Any = decode_jpeg(sources, mode=ImageReadMode.RGB, device=self._place)
        images: list[torch.Tensor] = found
        return images

    def _shape(self, image: torch.Tensor) -> torch.Tensor:
        height, width = image.shape[1:]
        box = self._way.crop_of(width, height)
        resized = interpolate(
            image[None].float(),
            size=(box.height, box.width),
            mode=_INTERPOLATION,
            antialias=True,
            align_corners=False,
        )[0]
        size = self._way.size
        cut = resized[:, box.top : box.top + size, box.left : box.left + size]
        return cut.round().permute(1, 2, 0).to(torch.uint8)


def open_decoder(way: Preprocessing, place: torch.device, example: bytes) -> JpegDecoder | None:
    """A decoder where it gives what workers would; None where they are to decode.

    Args:
        example: a JPEG file to try it with.
    """
    if way.method != STANDARD or way.interpolation != _INTERPOLATION:
        return None
    decoder = JpegDecoder(way, place)
    try:
        if decoder.decode([np.frombuffer(example, np.uint8)])[0] is not None:
            return decoder
    except RuntimeError as error:  # a build of torchvision without nvJPEG
        _log.warning("JPEGs are decoded on the CPU: %s", error)
    return None

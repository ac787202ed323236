import numpy as np
import pytest
from PIL import Image

from scoring_server.images.preprocess import Preprocessing

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8))


def test_reference_squeezes_the_whole_picture_into_the_square() -> None:
    image = Image.new("RGB", (400, 100), "blue")
    image.paste("red", (0, 0, 200, 100))
    array = Preprocessing("reference", 224, 256, "bilinear").apply(image)
    assert array.shape == (224, 224, 3)
    assert array.dtype == np.uint8
    assert array[112, 50].tolist() == [255, 0, 0]
    assert array[112, 170].tolist() == [0, 0, 255]


def test_reference_is_pillows_bicubic_resize() -> None:
    wanted = np.asarray(NOISE.resize((224, 224), Image.Resampling.BICUBIC))
    assert np.array_equal(Preprocessing("reference", 224, 256, "bilinear").apply(NOISE), wanted)


@pytest.mark.parametrize("size", [(120, 90), (500, 375), (30, 41)])
def test_reference_is_torchvisions_resize(size: tuple[int, int]) -> None:
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as transform

    image = NOISE.resize(size)
    wanted = np.asarray(transform.resize(image, [224, 224], InterpolationMode.BICUBIC)).astype(int)
    found = Preprocessing("reference", 224, 256, "bilinear").apply(image).astype(int)
    assert np.abs(found - wanted).max() <= 1


def test_standard_takes_the_centre() -> None:
    image = Image.new("RGB", (400, 100), "blue")
    image.paste("red", (150, 0, 250, 100))
    array = Preprocessing("standard", 90, 100, "bicubic").apply(image)
    assert array.shape == (90, 90, 3)
    assert (array == [255, 0, 0]).all()


@pytest.mark.parametrize("size", [(120, 90), (90, 120), (100, 100), (333, 77), (30, 41)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_standard_is_torchvisions_resize_and_centre_crop(
    size: tuple[int, int], interpolation: str
) -> None:
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as transform

    image = NOISE.resize(size)
    resized = transform.resize(image, [72], InterpolationMode(interpolation))
    wanted = np.asarray(transform.center_crop(resized, [64, 64])).astype(int)
    found = Preprocessing("standard", 64, 72, interpolation).apply(image).astype(int)
    assert np.abs(found - wanted).max() <= 1


@pytest.mark.parametrize(
    ("method", "size", "resize", "interpolation"),
    [
        ("other", 224, 256, "bilinear"),
        ("standard", 224, 256, "nearest"),
        ("standard", 224, 200, "bilinear"),
        ("standard", 0, 256, "bilinear"),
    ],
)
def test_what_makes_no_sense_is_refused(
    method: str, size: int, resize: int, interpolation: str
) -> None:
    with pytest.raises(ValueError, match="must be"):
        Preprocessing(method, size, resize, interpolation)

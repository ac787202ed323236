"""The networks that torch can build: torchvision's classifiers and EfficientNet-Lite0."""

from typing import Any, Final

import torch
import torchvision
from torch import nn

from scoring_server.images.spec import ImageSpec

EFFICIENTNET_LITE0: Final = "efficientnet-lite0"
# torchvision's weights of these two were trained on another normalisation than all its others. The
# networks translate from the usual one, if they are told to; torchvision does so with its weights.
_INCEPTIONS: Final = frozenset({"googlenet", "inception_v3"})


class UnknownArchitecture(Exception):
    """No network has this name."""


def build(architecture: str, classes: int, size: int | None = None) -> nn.Module:
    """An untrained network in evaluation mode.

    Args:
        architecture: "efficientnet-lite0", or a classification model's name in torchvision.
        classes: how many logits it gives.
        size: side of the square input, pixels; None: what is usual. Only vision transformers are
            made for one size.

    Raises:
        UnknownArchitecture: the name is not one of these.
    """
    if architecture == EFFICIENTNET_LITE0:
        # Its own package, which only the stages that build or run this network carry.
        from efficientnet_lite_pytorch import EfficientNet

        network: nn.Module = EfficientNet.from_name(architecture, num_classes=classes)
        return network.eval()
    if architecture not in torchvision.models.list_models(module=torchvision.models):
        raise UnknownArchitecture(
            f"there is no architecture {architecture!r}: use {EFFICIENTNET_LITE0} or the name of a "
            "torchvision classification model, such as resnet152"
        )
    options: dict[str, Any] = {"num_classes": classes}
    if architecture.startswith("resnet"):
        # Without it the activations of untrained weights grow from block to block, beyond fp16.
        options["zero_init_residual"] = True
    if architecture.startswith("vit_") and size is not None:
        options["image_size"] = size
    if architecture in _INCEPTIONS:
        options |= {"transform_input": True, "init_weights": False}
    built: nn.Module = torchvision.models.get_model(architecture, weights=None, **options)
    return built.eval()


def with_input(network: nn.Module, spec: ImageSpec) -> nn.Module:
    """The network on uint8 pictures of shape (N, size, size, 3), which it normalises itself."""
    return _WithInput(network, spec.mean, spec.std).eval()


class _WithInput(nn.Module):
    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        means, deviations = torch.tensor(mean), torch.tensor(std)
        self.scale: torch.Tensor
        self.shift: torch.Tensor
        self.register_buffer("scale", (1 / (255 * deviations)).view(1, 3, 1, 1))
        self.register_buffer("shift", (-means / deviations).view(1, 3, 1, 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        scaled = pictures.permute(0, 3, 1, 2).to(self.scale.dtype) * self.scale + self.shift
        logits: torch.Tensor = self.network(scaled)
        return logits

import pytest
import torch

from scoring_server.images.architectures import UnknownArchitecture, build, with_input
from tests.server.colour_model import SPEC


def test_torchvisions_classifiers_are_built_with_so_many_classes() -> None:
    network = build("shufflenet_v2_x0_5", 5)
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 5)
    assert not network.training


def test_efficientnet_lite0_is_built() -> None:
    assert build("efficientnet-lite0", 7)(torch.zeros(1, 3, 224, 224)).shape == (1, 7)


def test_untrained_resnets_begin_with_blocks_that_change_nothing() -> None:
    state = build("resnet50", 2).state_dict()
    assert not state["layer3.2.bn3.weight"].any()


def test_a_vision_transformer_is_made_for_the_size_of_its_weights() -> None:
    with torch.device("meta"):
        assert build("vit_b_16", 2, 384)(torch.zeros(1, 3, 384, 384)).shape == (1, 2)
        assert build("vit_b_16", 2)(torch.zeros(1, 3, 224, 224)).shape == (1, 2)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_inceptions_translate_the_usual_normalisation_into_theirs(name: str) -> None:
    """As torchvision's get_model does where it is asked for weights."""
    with torch.device("meta"):
        assert build(name, 2).transform_input


@pytest.mark.parametrize("name", ["resnet1", "fasterrcnn_resnet50_fpn", "../x", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UnknownArchitecture, match="there is no architecture"):
        build(name, 2)


def test_pictures_are_normalised_inside() -> None:
    class Means(torch.nn.Module):
        def forward(self, scaled: torch.Tensor) -> torch.Tensor:
            return scaled.mean(dim=(2, 3))

    pictures = torch.full((1, 4, 4, 3), 255, dtype=torch.uint8)
    pictures[..., 1] = 0
    assert torch.allclose(with_input(Means(), SPEC)(pictures), torch.tensor([[1.0, 0.0, 1.0]]))

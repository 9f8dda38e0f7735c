"""Two-way cross-attention against its steps, and the way back to the bottleneck's grid."""

import pytest
import torch
from torch import Tensor, nn

from hnseg_infer.networks.vit_bottleneck import TwoWayLayer, VitBottleneck, VitSizes

SIZES = VitSizes(
    patch=2,
    features=6,
    layers=1,
    heads=2,
    position_grid=(3, 3),
    decoder_features=4,
    decoder_layers=2,
    decoder_heads=2,
)


def normalised(values: Tensor) -> Tensor:
    mean, variance = values.mean(-1, keepdim=True), values.var(-1, keepdim=True, unbiased=False)
    return (values - mean) / (variance + 1e-5).sqrt()


def branch(strides, operator: type[nn.Module] = nn.Conv2d, sizes: VitSizes = SIZES) -> VitBottleneck:
    torch.manual_seed(0)
    return VitBottleneck(operator, 1, 3, 5, strides, sizes)


def test_two_way_layer_is_its_steps():
    torch.manual_seed(0)
    layer = TwoWayLayer(4, 2)
    tokens, image = torch.randn(1, 3, 4), torch.randn(1, 7, 4)
    first = normalised(tokens + layer.among_tokens(tokens, tokens))
    second = normalised(first + layer.to_image(first, image))
    third = normalised(second + layer.feed(second))
    found_tokens, found_image = layer(tokens, image)
    torch.testing.assert_close(found_tokens, third)
    # the image looks at tokens that have seen it
    torch.testing.assert_close(found_image, normalised(image + layer.to_tokens(image, third)))


@pytest.mark.parametrize(
    ("operator", "strides", "size"),
    [
        (nn.Conv2d, [(1, 1), (2, 2), (2, 4)], (8, 24)),
        (nn.Conv3d, [(1, 1, 1), (1, 2, 2), (2, 2, 2)], (6, 4, 12)),
    ],
)
def test_branch_is_its_steps(operator, strides, size):
    module = branch(strides, operator)
    image = torch.randn(2, 1, *size)
    encoded = module.encoder(image)
    seen, tokens = module.neck(encoded.flatten(2).transpose(1, 2)), module.prompts.repeat(2, 1, 1)
    for layer in module.layers:
        tokens, seen = layer(tokens, seen)
    on_grid = seen.transpose(1, 2).reshape(2, 4, *encoded.shape[2:])
    found = module(image)
    coarse = torch.Size(
        extent // factor
        for extent, factor in zip(size, torch.tensor(strides).prod(dim=0).tolist(), strict=True)
    )
    assert found.shape == (2, 5, *coarse)
    step = [fine // few for fine, few in zip(on_grid.shape[2:], coarse, strict=True)]
    weights = module.projection.weight.flatten(1)
    for at in torch.cartesian_prod(*map(torch.arange, coarse)).tolist():
        box = [slice(place * side, (place + 1) * side) for place, side in zip(at, step, strict=True)]
        mean = on_grid[(slice(None), slice(None), *box)].flatten(2).mean(dim=2)
        here = found[(slice(None), slice(None), *at)]
        torch.testing.assert_close(here, mean @ weights.T + module.projection.bias)


def test_one_learned_prompt_per_class():
    assert branch([(1, 1), (2, 2)]).prompts.shape == (1, 3, 4)


def test_patches_have_to_fit_the_bottleneck():
    with pytest.raises(ValueError, match="2 x 3 times coarser"):
        branch([(1, 1), (2, 3)])

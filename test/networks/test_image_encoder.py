"""The vision transformer: patches, positions, and slices of a 3D image."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from hnseg_infer.networks.image_encoder import ImageEncoder, Layer


def encoder(operator: type[nn.Module] = nn.Conv2d, layers: int = 1, grid=(2, 3)) -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(operator, 1, 4, 6, layers, 2, grid)


def test_layer_adds_normalised_attention_and_feed_forward():
    torch.manual_seed(0)
    layer = Layer(6, 2)
    tokens = torch.randn(1, 4, 6)

    def normalised(values):
        mean, variance = values.mean(-1, keepdim=True), values.var(-1, keepdim=True, unbiased=False)
        return (values - mean) / (variance + 1e-5).sqrt()

    attended = tokens + layer.attention(normalised(tokens), normalised(tokens))
    expected = attended + layer.feed(normalised(attended))
    torch.testing.assert_close(layer(tokens), expected)


def test_without_layers_a_patch_is_its_linear_map_plus_its_position():
    module = encoder(layers=0)
    image = torch.randn(1, 1, 8, 12)
    found = module(image)
    assert found.shape == (1, 6, 2, 3)
    weights = module.patches.weight.flatten(1)
    for row in range(2):
        for column in range(3):
            patch = image[0, 0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].flatten()
            embedded = weights @ patch + module.patches.bias + module.position[:, row, column]
            expected = functional.layer_norm(embedded, (6,))
            torch.testing.assert_close(found[0, :, row, column], expected)


def test_positions_are_interpolated_for_another_size():
    """Twice as many patches along a line: a quarter and three quarters of the way between the old ones."""
    module = encoder(layers=0, grid=(1, 2))
    left, right = (module.position[:, 0, column] for column in range(2))
    module.patches.weight.data.zero_()
    found = module(torch.zeros(1, 1, 4, 16))[0, :, 0]
    for column, share in enumerate([0.0, 0.25, 0.75, 1.0]):
        position = left + (right - left) * share + module.patches.bias
        torch.testing.assert_close(found[:, column], functional.layer_norm(position, (6,)))


def test_a_3d_image_is_encoded_slice_by_slice():
    volume, flat = encoder(nn.Conv3d), encoder()
    state = {
        name: value.squeeze(2) if value.dim() == 5 else value for name, value in volume.state_dict().items()
    }
    flat.load_state_dict(state)
    image = torch.randn(2, 1, 3, 8, 12)
    found = volume(image)
    assert found.shape == (2, 6, 3, 2, 3)
    for index in range(3):
        torch.testing.assert_close(found[:, :, index], flat(image[:, :, index]))


def test_a_patch_knows_of_its_slice_and_where_it_is():
    module = encoder()
    image = torch.zeros(1, 1, 8, 12)
    before = module(image)
    image[..., :4, :4] = 1.0
    assert (module(image)[..., 1, 2] - before[..., 1, 2]).abs().max() > 1e-6
    assert (before[..., 0, 0] - before[..., 1, 2]).abs().max() > 1e-4


@pytest.mark.parametrize("grid", [(2, 3), (5, 5)])
def test_any_number_of_patches_is_encoded(grid):
    assert encoder(grid=grid)(torch.zeros(1, 1, 20, 4)).shape == (1, 6, 5, 1)

"""Interpolation between stages, against torch's own kernel and gradient."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from hnseg_infer.networks.building_blocks import LINEAR_MODES, LinearUpsample

OPERATORS: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}


@pytest.mark.parametrize(
    ("shape", "factor"),
    [((5, 7), (2, 2)), ((3, 5, 7), (1, 2, 2)), ((3, 5, 7), (2, 2, 2)), ((1, 4, 6), (1, 2, 2))],
)
def test_interpolation_and_its_gradient_are_torchs(shape: tuple[int, ...], factor: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    operator = OPERATORS[len(shape)]
    features = torch.randn(2, 3, *shape)
    skip = torch.randn(2, 4, *(size * times for size, times in zip(shape, factor, strict=True)))
    ours, theirs = features.clone().requires_grad_(), features.clone().requires_grad_()

    upsampled = LinearUpsample(operator, factor)(ours)
    expected = functional.interpolate(
        theirs, scale_factor=tuple(map(float, factor)), mode=LINEAR_MODES[operator], align_corners=False
    )
    torch.testing.assert_close(upsampled, expected)
    weights = torch.randn(2, 7, *skip.shape[2:])
    # as in the decoder: the gradient that comes back is a slice of the concatenation's
    for tensor in (upsampled, expected):
        (torch.cat((tensor, skip), 1) * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_channels_last_features_stay_so() -> None:
    features = torch.randn(2, 3, 4, 5, 6).to(memory_format=torch.channels_last_3d)
    upsampled = LinearUpsample(nn.Conv3d, (1, 2, 2))(features)
    assert upsampled.is_contiguous(memory_format=torch.channels_last_3d)

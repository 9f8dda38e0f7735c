"""The attention gate against its formula, voxel by voxel, and where gates stand."""

import numpy as np
import pytest
import torch
from tiny_networks import arguments
from torch import nn

from hnseg_infer.networks.attention_unet import AttentionGate, AttentionUNet
from hnseg_infer.networks.encoder_decoder import Ungated


def slow_map(
    gate: AttentionGate, skip: np.ndarray, gating: np.ndarray, factor: tuple[int, ...]
) -> np.ndarray:
    """The gate's factors on the coarse grid, of one image ``[c, (z,) y, x]``."""
    skip_weights, gating_weights, psi_weights = (
        module.weight.detach().numpy() for module in (gate.skip_map, gate.gating_map, gate.psi)
    )
    factors = np.empty(gating.shape[1:])
    for voxel in np.ndindex(*factors.shape):
        total = gate.psi.bias.item()
        for feature in range(len(skip_weights)):
            value = gate.gating_map.bias[feature].item()
            for channel in range(len(gating)):
                value += gating_weights[feature, channel].item() * gating[(channel, *voxel)]
            for channel in range(len(skip)):
                for offset in np.ndindex(*factor):
                    at = tuple(v * f + o for v, f, o in zip(voxel, factor, offset, strict=True))
                    value += skip_weights[(feature, channel, *offset)] * skip[(channel, *at)]
            total += psi_weights[0, feature].item() * max(value, 0.0)
        factors[voxel] = 1 / (1 + np.exp(-total))
    return factors


@pytest.mark.parametrize(
    ("operator", "coarse", "factor"), [(nn.Conv2d, (2, 3), (2, 2)), (nn.Conv3d, (3, 2, 2), (1, 2, 2))]
)
def test_gate_is_its_formula(operator, coarse, factor):
    torch.manual_seed(0)
    gate = AttentionGate(operator, 3, 4, factor)
    fine = tuple(size * times for size, times in zip(coarse, factor, strict=True))
    skip, gating = torch.randn(1, 3, *fine), torch.randn(1, 4, *coarse)
    factors = slow_map(gate, skip[0].numpy(), gating[0].numpy(), factor)
    assert factors.std() > 0.01
    upsampled = gate.upsample(torch.from_numpy(factors)[None, None]).numpy()[0]
    found = gate(skip, gating).detach().numpy()[0]
    np.testing.assert_allclose(found, skip[0].numpy() * upsampled, atol=1e-5)


def test_every_skip_but_the_finest_is_gated_by_the_stage_below():
    network = AttentionUNet(1, 2, **{**arguments((64, 64)), "conv_op": nn.Conv2d})
    *gates, finest = network.decoder.gates
    assert isinstance(finest, Ungated)
    assert len(gates) == 3
    for gate, features in zip(gates, [(8, 8), (8, 8), (8, 8)], strict=True):
        assert (gate.gating_map.in_channels, gate.skip_map.in_channels) == features


def test_new_gates_are_nearly_open():
    network = AttentionUNet(1, 2, **{**arguments((64, 64)), "conv_op": nn.Conv2d})
    network.apply(network.initialize)
    gate = network.decoder.gates[0]
    skip = torch.ones(1, 8, 4, 4)
    passed = gate(skip, torch.zeros(1, 8, 2, 2))
    # the map of the skip itself moves the factor a little
    gate.skip_map.weight.data.zero_()
    assert gate(skip, torch.zeros(1, 8, 2, 2)).mean().item() == pytest.approx(1 / (1 + np.exp(-3.0)))
    assert passed.min() > 0

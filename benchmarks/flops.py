"""Floating point operations of a network, and how many tiles of it a case consists of."""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from hnseg_infer.tiling import tile_starts

CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose2d, nn.ConvTranspose3d)


def convolution_flops(network: nn.Module, patch: Sequence[int]) -> int:
    """Multiplications and additions of all convolutions over one tile of one channel.

    Two per weight and voxel of the output (of a transposed convolution: of the input), voxels of the padding
    counted too. Nothing is computed: the network is moved to the meta device, and stays there.
    """
    flops = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal flops
        voxels = prod((inputs[0] if isinstance(module, TRANSPOSED) else output).shape[2:])
        weight = module.weight
        assert isinstance(weight, Tensor)
        flops += 2 * weight.numel() * voxels

    network = network.to("meta").eval()
    hooks = [
        module.register_forward_hook(count)
        for module in network.modules()
        if isinstance(module, (*CONVOLUTIONS, *TRANSPOSED))
    ]
    with torch.inference_mode():
        network(torch.empty(1, 1, *patch, device="meta"))
    for hook in hooks:
        hook.remove()
    return flops


def product_flops(network: nn.Module, patch: Sequence[int]) -> int:
    """The same with matrix products, which transformers consist of; as torch counts both.

    Nothing is computed: the network is moved to the meta device, and stays there.
    """
    network = network.to("meta").eval().requires_grad_(False)
    # attention as matrix products: torch does not count all of its fused kernels
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.inference_mode():
        network(torch.empty(1, 1, *patch, device="meta"))
    return int(counter.get_total_flops())


def tile_count(extent: Sequence[int], patch: Sequence[int]) -> int:
    """Tiles over a window of (z, y, x) voxels: of a 2D patch (y, x), one layer per slice."""
    flat = extent[0] if len(patch) == 2 else 1
    axes = zip(extent[-len(patch) :], patch, strict=True)
    return flat * prod(len(tile_starts(max(voxels, tile), tile)) for voxels, tile in axes)

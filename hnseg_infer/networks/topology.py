"""How deep a U-Net is and where it pools, from the patch that it sees (docs/method.md)."""

from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST_MAP = 4
"""Each axis is pooled until it is about this many voxels."""

ANISOTROPY = 2.0
"""An axis this many times coarser than the finest one is not yet convolved or pooled (nnU-Net's rule)."""


@dataclass(frozen=True)
class Topology:
    """Per stage, finest first: features, kernel sizes, pooling strides; axes in (z,) y, x order."""

    features: tuple[int, ...]
    kernel_sizes: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]


def unet_topology(
    patch_size: Sequence[int], spacing: Sequence[float], first_features: int, feature_cap: int
) -> Topology:
    """Pool every axis until it is about 4 voxels, coarse axes later; features double up to the cap.

    patch_size in voxels and spacing in mm, both in (z,) y, x order. A kernel is 1 along an axis that is still
    too coarse at its stage, else 3.
    """
    size, step = list(patch_size), list(spacing)
    strides: list[tuple[int, ...]] = [(1,) * len(size)]
    kernels = [_kernel(step, (1,) * len(size))]
    while True:
        poolable = [value // 2 >= SMALLEST_MAP for value in size]
        if not any(poolable):
            break
        finest = min(mm for mm, can in zip(step, poolable, strict=True) if can)
        stride = tuple(
            2 if can and mm <= ANISOTROPY * finest else 1 for mm, can in zip(step, poolable, strict=True)
        )
        size = [value // factor for value, factor in zip(size, stride, strict=True)]
        step = [mm * factor for mm, factor in zip(step, stride, strict=True)]
        strides.append(stride)
        kernels.append(_kernel(step, kernels[-1]))
    features = tuple(min(first_features * 2**level, feature_cap) for level in range(len(strides)))
    return Topology(features, tuple(kernels), tuple(strides))


def _kernel(step: Sequence[float], finer: tuple[int, ...]) -> tuple[int, ...]:
    # an axis that has been convolved at a finer stage goes on being so, however far the others are pooled
    return tuple(
        3 if mm <= ANISOTROPY * min(step) or size == 3 else 1 for mm, size in zip(step, finer, strict=True)
    )

"""The U-Net of ``unet.py`` as data: its stages and the name and shape of every weight, without torch.

Engines that do not run torch build the network from this.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CLASS_PATH = "hnseg_infer.networks.unet.UNet"

CONVOLUTIONS = {"torch.nn.modules.conv.Conv2d": 2, "torch.nn.modules.conv.Conv3d": 3}
"""Class paths in ``arch_kwargs`` and their number of spatial axes."""

ARGUMENTS = {"n_stages", "features_per_stage", "conv_op", "kernel_sizes", "strides"}

LEAKY_SLOPE = 0.01
"""Negative slope of the leaky ReLU, nnU-Net's value."""

NORM_EPSILON = 1e-5
"""Added to the variance by batch norm."""

NORM = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True)
class ConvBlock:
    """Convolution without bias, batch norm, leaky ReLU: where their weights are, and their sizes."""

    conv: str
    norm: str
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]


@dataclass(frozen=True)
class UNetLayout:
    """encoder: two blocks a stage, finest first. decoder: two blocks a stage, coarsest first.

    strides: the pooling before each encoder stage. heads: prefix and input channels of the 1 x 1 convolution
    after each decoder stage; the last one gives the logits, the others serve deep supervision alone.
    """

    classes: int
    encoder: tuple[tuple[ConvBlock, ConvBlock], ...]
    decoder: tuple[tuple[ConvBlock, ConvBlock], ...]
    strides: tuple[tuple[int, ...], ...]
    heads: tuple[tuple[str, int], ...]

    @property
    def axes(self) -> int:
        """2 or 3 spatial axes."""
        return len(self.strides[0])

    def takes(self, patch: tuple[int, ...]) -> bool:
        """Whether a patch can be pooled without remainder, as the decoder needs it."""
        if len(patch) != self.axes:
            return False
        factors = (math.prod(stride[axis] for stride in self.strides) for axis in range(self.axes))
        return all(size % factor == 0 for size, factor in zip(patch, factors, strict=True))

    def weight_shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of every entry of the network's state."""
        for block in (block for stage in (*self.encoder, *self.decoder) for block in stage):
            yield f"{block.conv}.weight", (block.out_channels, block.in_channels, *block.kernel_size)
            yield from ((f"{block.norm}.{name}", (block.out_channels,)) for name in NORM)
            yield f"{block.norm}.num_batches_tracked", ()
        for head, channels in self.heads:
            yield f"{head}.weight", (self.classes, channels, *(1,) * self.axes)
            yield f"{head}.bias", (self.classes,)


def unet_layout(class_path: str, arguments: Mapping[str, Any], classes: int) -> UNetLayout | None:
    """The layout that ``UNet`` has with these ``arch_kwargs`` and one input channel; None for anything else.

    Raises ValueError, KeyError or TypeError when the arguments are a U-Net's but contradict each other.
    """
    # an argument that is not known here may change the network
    if class_path != CLASS_PATH or arguments.keys() - {"dropout"} != ARGUMENTS:
        return None
    axes = CONVOLUTIONS.get(str(arguments["conv_op"]))
    if axes is None:
        return None
    features = [int(value) for value in arguments["features_per_stage"]]
    kernels = [tuple(int(size) for size in kernel) for kernel in arguments["kernel_sizes"]]
    strides = tuple(tuple(int(size) for size in stride) for stride in arguments["strides"])
    count = int(arguments["n_stages"])
    if not count == len(features) == len(kernels) == len(strides):
        raise ValueError("features_per_stage, kernel_sizes and strides need n_stages entries each")
    if any(len(size) != axes for size in (*kernels, *strides)):
        raise ValueError(f"kernel_sizes and strides need {axes} entries per stage")
    # dropout, where there is any, stands between convolution and norm
    norm = 2 if float(arguments.get("dropout", 0.0)) > 0 else 1

    def stage(name: str, before: int, level: int) -> tuple[ConvBlock, ConvBlock]:
        first, second = (
            ConvBlock(
                f"{name}.{index}.0", f"{name}.{index}.{norm}", channels, features[level], kernels[level]
            )
            for index, channels in enumerate((before, features[level]))
        )
        return first, second

    levels = list(range(count - 2, -1, -1))
    return UNetLayout(
        classes=classes,
        encoder=tuple(
            stage(f"encoder.stages.{level}", before, level)
            for level, before in enumerate([1, *features[:-1]])
        ),
        decoder=tuple(
            stage(f"decoder.stages.{index}", features[level + 1] + features[level], level)
            for index, level in enumerate(levels)
        ),
        strides=strides,
        heads=tuple((f"decoder.heads.{index}", features[level]) for index, level in enumerate(levels)),
    )

"""This project's U-Net as an OpenVINO graph, built from a checkpoint's weights without torch.

What makes it fast on a CPU, without changing what is computed: batch norm is folded into the convolutions;
where the decoder concatenates two maps to convolve them, each is convolved with its share of the kernel and
the results are added, which spares the concatenated copy; logits leave the graph with the class axis last,
as the convolutions keep them.

In bfloat16 (8 bits) most of the rounding error would come from the first convolution, where one input
channel holds the whole range of a CT. ``split_input`` gives it image and weights as sums of two bfloat16
numbers: three input channels, which cost nothing because the hardware works on multiples of 32. The logits
are computed in single precision: rounded to 8 bits, those of two classes can be equal, and then the lower
class wins, such as the background.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.model_folder import NetworkModel
from hnseg_infer.networks.unet_layout import LEAKY_SLOPE, NORM_EPSILON, ConvBlock, UNetLayout

SPLIT_CHANNELS = 3
"""Input channels that stand for one image: high part, low part, high part once more."""

ops = openvino.opset13

Weights = NDArray[np.float32]


def bfloat16_part(values: Weights) -> Weights:
    """The nearest number that bfloat16 can hold, for each finite value; ties to even."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1))) & np.uint32(0xFFFF0000)
    return rounded.astype(np.uint32).view(np.float32)


def split_image(image: Weights, channels: Weights) -> None:
    """Write an image ``[...]`` into ``channels [3, ...]`` as ``split_input`` networks take it."""
    high = bfloat16_part(image)
    channels[0] = high
    np.subtract(image, high, out=channels[1])
    channels[2] = high


def unet_graph(model: NetworkModel, layout: UNetLayout, split_input: bool) -> tuple[Any, Any]:
    """The graph's input ``[1, channel, (z,) y, x]``, one patch, and its logits ``[1, class, (z,) y, x]``."""
    weights = model.weights
    image = ops.parameter([1, SPLIT_CHANNELS if split_input else 1, *model.patch], np.float32)
    features = image
    skips: list[Any] = []
    for stage, stride in zip(layout.encoder, layout.strides, strict=True):
        if skips:
            none = [0] * layout.axes
            features = ops.max_pool(
                features, list(stride), [1] * layout.axes, none, none, list(stride)
            ).output(0)
        for block in stage:
            kernel, bias = _folded(block, weights)
            if block.in_channels == 1 and split_input:
                kernel = _split_kernel(kernel)
            features = _activated(_convolved(features, kernel), bias)
        skips.append(features)
    for (first, second), stride in zip(layout.decoder, reversed(layout.strides), strict=False):
        features = _upsampled(features, stride)
        skips.pop()
        kernel, bias = _folded(first, weights)
        from_below = first.in_channels - first.out_channels
        below = _convolved(features, kernel[:, :from_below])
        features = _activated(below, bias, _convolved(skips[-1], kernel[:, from_below:]))
        kernel, bias = _folded(second, weights)
        features = _activated(_convolved(features, kernel), bias)
    head, _ = layout.heads[-1]
    kernel, bias = (weights[f"{head}.{name}"].astype(np.float32) for name in ("weight", "bias"))
    return image, ops.add(_transposed_convolved(features, kernel), _per_channel(bias, layout.axes))


def _folded(block: ConvBlock, weights: Mapping[str, NDArray[Any]]) -> tuple[Weights, Weights]:
    """Kernel and bias of the convolution that computes what convolution and batch norm do."""
    gamma, beta, mean, variance = (
        weights[f"{block.norm}.{name}"].astype(np.float32)
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + np.float32(NORM_EPSILON))
    kernel = weights[f"{block.conv}.weight"].astype(np.float32)
    kernel *= scale.reshape(-1, *(1,) * (kernel.ndim - 1))
    return kernel, beta - mean * scale


def _split_kernel(kernel: Weights) -> Weights:
    """For the channels high, low, high: both meet the kernel's high part, then high meets its low part."""
    high = bfloat16_part(kernel)
    return np.concatenate([high, high, kernel - high], axis=1)


def _convolved(features: Any, kernel: Weights) -> Any:
    axes = kernel.ndim - 2
    ones, padding = [1] * axes, [size // 2 for size in kernel.shape[2:]]
    return ops.convolution(features, ops.constant(np.ascontiguousarray(kernel)), ones, padding, padding, ones)


def _transposed_convolved(features: Any, kernel: Weights) -> Any:
    """A convolution of kernel size 1, written as the transposed one.

    OpenVINO's CPU plugin runs what follows a graph's last convolution in single precision, and counts a
    transposed one with that.
    """
    axes = kernel.ndim - 2
    none, ones = [0] * axes, [1] * axes
    channels_swapped = ops.constant(np.ascontiguousarray(np.swapaxes(kernel, 0, 1)))
    return ops.convolution_backprop_data(features, channels_swapped, ones, None, none, none, ones)


def _activated(convolved: Any, bias: Weights, other: Any = None) -> Any:
    """Leaky ReLU of a convolution plus bias, plus another convolution."""
    axes = len(convolved.get_output_partial_shape(0)) - 2
    total = ops.add(convolved, _per_channel(bias, axes))
    if other is not None:
        total = ops.add(total, other)
    return ops.prelu(total, ops.constant(np.array([LEAKY_SLOPE], dtype=np.float32)))


def _upsampled(features: Any, factor: tuple[int, ...]) -> Any:
    axes = len(factor)
    none = [0] * (axes + 2)
    return ops.interpolate(
        features,
        np.array(factor, dtype=np.float32),
        "linear_onnx",
        "scales",
        none,
        none,
        "half_pixel",
        axes=np.arange(2, 2 + axes),
    )


def _per_channel(values: Weights, axes: int) -> Weights:
    return values.reshape(1, -1, *(1,) * axes)

"""A vision transformer over the patches of an axial slice: Segment Anything's image encoder at its plainest.

Kirillov et al., "Segment Anything", ICCV 2023; Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR
2021. Decided: attention over the whole slice in every layer (Segment Anything's windows are there to save
memory on images four times as large), no convolutions behind the last layer, trained from scratch.

A 3D image is encoded slice by slice with the same weights, its patches being ``(1, 16, 16)``: axial slices
are thick, tokens of all of them together would be too many for full attention, and depth is the U-Net's
business.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hnseg_infer.networks.attention import Attention, FeedForward

HIDDEN_RATIO = 4
"""Hidden over outer features of the feed-forward layers, as in the publications."""

TOKEN_SD = 0.02
"""Standard deviation of new embeddings and linear layers, as in the publications."""


class Layer(nn.Module):
    """Self-attention and feed-forward layer, each normalised before and added to its input."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(features)
        self.attention = Attention(features, heads)
        self.feed_norm = nn.LayerNorm(features)
        self.feed = FeedForward(features, HIDDEN_RATIO * features)

    def forward(self, tokens: Tensor) -> Tensor:
        """``[b, n, f]`` to the same shape."""
        normalised = self.attention_norm(tokens)
        tokens = tokens + self.attention(normalised, normalised)
        fed: Tensor = tokens + self.feed(self.feed_norm(tokens))
        return fed


class ImageEncoder(nn.Module):
    """Patches of an image as features that know of their whole slice."""

    def __init__(
        self,
        conv_op: type[nn.Module],
        input_channels: int,
        patch: int,
        features: int,
        layers: int,
        heads: int,
        position_grid: Sequence[int],
    ) -> None:
        """position_grid: patches (y, x) of the image whose position embeddings are not interpolated."""
        super().__init__()
        flat = (1,) if conv_op is nn.Conv3d else ()
        self.patches = conv_op(input_channels, features, (*flat, patch, patch), stride=(*flat, patch, patch))
        # [f, y, x]: a fourth axis would be taken for an image's where weights are laid out channels last
        self.position = nn.Parameter(torch.empty(features, *position_grid))
        nn.init.trunc_normal_(self.position, std=TOKEN_SD)
        self.layers = nn.Sequential(*(Layer(features, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(features)

    def forward(self, image: Tensor) -> Tensor:
        """``[b, c, (z,) y, x]``, y and x multiples of the patch, to ``[b, f, (z,) y / patch, x / patch]``."""
        embedded = self.patches(image)
        # [slice, f, y, x]: without a z axis, every image is one slice
        slices = embedded.transpose(1, 2).flatten(0, 1) if embedded.dim() == 5 else embedded
        position = functional.interpolate(
            self.position[None], size=slices.shape[2:], mode="bilinear", align_corners=False
        )
        tokens = (slices + position).flatten(2).transpose(1, 2)
        encoded = self.norm(self.layers(tokens)).transpose(1, 2).unflatten(2, slices.shape[2:])
        if embedded.dim() == 5:
            encoded = encoded.unflatten(0, (embedded.shape[0], embedded.shape[2])).transpose(1, 2)
        result: Tensor = encoded
        return result

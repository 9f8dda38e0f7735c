"""What Segment Anything knows of an image, added to a U-Net's bottleneck (docs/method.md).

The publication's description, after Kirillov et al., "Segment Anything", ICCV 2023: image encoder, prompt
embeddings, and a decoder of two-way cross-attention. Decided, where it is silent: one learned prompt
embedding per class in place of a user's clicks, since nobody clicks here; the decoder's two layers of 256
features and 8 heads are Segment Anything's, its position encodings are left to the encoder; the image side
of the decoder is averaged over the voxels of the bottleneck, projected and added. Nothing is pretrained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from hnseg_infer.networks.attention import Attention, FeedForward
from hnseg_infer.networks.building_blocks import Size
from hnseg_infer.networks.image_encoder import HIDDEN_RATIO, TOKEN_SD, ImageEncoder

AVERAGES: dict[type[nn.Module], type[nn.Module]] = {nn.Conv2d: nn.AvgPool2d, nn.Conv3d: nn.AvgPool3d}


@dataclass(frozen=True)
class VitSizes:
    """How large the branch is; the defaults are those of Segment Anything's base model.

    patch: voxels along y and x. position_grid: patches (y, x) of the image size that position embeddings are
    learned for, 32 x 32 being 512 x 512 voxels; other sizes get them interpolated.
    """

    patch: int = 16
    features: int = 768
    layers: int = 12
    heads: int = 12
    position_grid: Sequence[int] = (32, 32)
    decoder_features: int = 256
    decoder_layers: int = 2
    decoder_heads: int = 8


class TwoWayLayer(nn.Module):
    """Tokens look at each other and at the image, then the image looks at the tokens.

    Each step is added to its input and normalised afterwards, as in Segment Anything's mask decoder.
    """

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.among_tokens = Attention(features, heads)
        self.to_image = Attention(features, heads)
        self.feed = FeedForward(features, HIDDEN_RATIO * features)
        self.to_tokens = Attention(features, heads)
        self.norms = nn.ModuleList(nn.LayerNorm(features) for _ in range(4))

    def forward(self, tokens: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens ``[b, n, f]`` and image ``[b, m, f]``, both to the same shape."""
        tokens = self.norms[0](tokens + self.among_tokens(tokens, tokens))
        tokens = self.norms[1](tokens + self.to_image(tokens, image))
        tokens = self.norms[2](tokens + self.feed(tokens))
        image = self.norms[3](image + self.to_tokens(image, tokens))
        return tokens, image


class VitBottleneck(nn.Module):
    """The branch from the image to what is added to the bottleneck's features."""

    def __init__(
        self,
        conv_op: type[nn.Module],
        input_channels: int,
        num_classes: int,
        bottleneck_channels: int,
        strides: Sequence[Size],
        sizes: VitSizes,
    ) -> None:
        """strides: of every stage of the U-Net.

        Raises ValueError when a voxel of the bottleneck does not cover whole patches.
        """
        super().__init__()
        *depth, height, width = (prod(factors) for factors in zip(*strides, strict=True))
        if height % sizes.patch or width % sizes.patch:
            raise ValueError(
                f"the bottleneck is {height} x {width} times coarser than the image, which patches of "
                f"{sizes.patch} do not divide; give vit_bottleneck a smaller patch"
            )
        self.encoder = ImageEncoder(
            conv_op,
            input_channels,
            sizes.patch,
            sizes.features,
            sizes.layers,
            sizes.heads,
            sizes.position_grid,
        )
        self.neck = nn.Linear(sizes.features, sizes.decoder_features)
        self.prompts = nn.Parameter(torch.empty(1, num_classes, sizes.decoder_features))
        nn.init.trunc_normal_(self.prompts, std=TOKEN_SD)
        self.layers = nn.ModuleList(
            TwoWayLayer(sizes.decoder_features, sizes.decoder_heads) for _ in range(sizes.decoder_layers)
        )
        self.average = AVERAGES[conv_op]((*depth, height // sizes.patch, width // sizes.patch))
        self.projection = conv_op(sizes.decoder_features, bottleneck_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Image ``[b, c, (z,) y, x]`` to ``[b, bottleneck channel, (z,) y, x]`` on the bottleneck's grid."""
        encoded = self.encoder(image)
        seen = self.neck(encoded.flatten(2).transpose(1, 2))
        tokens = self.prompts.expand(image.shape[0], -1, -1)
        for layer in self.layers:
            tokens, seen = layer(tokens, seen)
        features: Tensor = self.projection(self.average(seen.transpose(1, 2).unflatten(2, encoded.shape[2:])))
        return features

    @staticmethod
    def initialize(module: nn.Module) -> None:
        """Small weights for linear layers; any other module is left as it is."""
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=TOKEN_SD)
            nn.init.zeros_(module.bias)

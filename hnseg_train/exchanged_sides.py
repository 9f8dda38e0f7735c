"""Half the training samples as mirrored patients: image and labels along x, left and right exchanged.

Mirroring without the exchange teaches that left and right are alike (docs/method.md, claim a).
"""

from collections.abc import Mapping
from typing import Any

import torch
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from torch import Tensor

from hnseg_train.recipes import Organs
from hnseg_train.variation.mirror import exchange_table

SHARE = 0.5
"""Of the samples that are mirrored."""


def label_organs(labels: Mapping[str, int]) -> Organs:
    """The (value, name) pairs of nnU-Net's label table without the background."""
    return tuple((value, name) for name, value in labels.items() if value)


class ExchangedSides(BasicTransform):  # type: ignore[misc]  # without type information
    """Mirrors a sample's image and labels ``[channel, (z,) y, x]`` by chance.

    Raises InputError when an organ's other side is not among the labels (name to value).
    """

    def __init__(self, labels: Mapping[str, int]) -> None:
        super().__init__()
        self.exchange = torch.from_numpy(exchange_table(label_organs(labels)).astype("int16"))

    def get_parameters(self, **sample: Any) -> dict[str, bool]:
        """Whether this sample is mirrored."""
        return {"mirrored": bool(torch.rand(1) < SHARE)}

    def _apply_to_image(self, image: Tensor, *, mirrored: bool) -> Tensor:
        return image.flip(-1) if mirrored else image

    def _apply_to_segmentation(self, labels: Tensor, *, mirrored: bool) -> Tensor:
        if not mirrored:
            return labels
        # -1 is nnU-Net's mark of what lies outside the image
        exchanged = self.exchange[labels.long().clamp_min(0)].to(labels.dtype)
        return torch.where(labels < 0, labels, exchanged).flip(-1)

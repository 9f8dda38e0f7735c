"""A network that is asked about a tile and about its mirror image, and whose two answers are averaged.

Left and right change places in the mirror, so the second answer's classes are exchanged. Of use to a network
that was trained on patients and on mirrored ones alike (hnseg_train/exchanged_sides.py).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hnseg_infer.model_folder import NetworkModel


class BothSides(nn.Module):
    """Mean of the logits ``[b, class, (z,) y, x]`` of a tile and, mirrored back, of its mirror image.

    other_side: for each class the one that it is called in the mirror image.
    """

    other_side: Tensor

    def __init__(self, network: nn.Module, other_side: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("other_side", torch.tensor(other_side), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Logits of an image ``[b, 1, (z,) y, x]``."""
        mirrored: Tensor = self.network(image.flip(-1)).flip(-1)
        logits: Tensor = (self.network(image) + mirrored.index_select(1, self.other_side)) / 2
        return logits


def seen_from_both_sides(network: nn.Module, model: NetworkModel) -> nn.Module:
    """The network as the model wants it asked: as it is, or about both sides."""
    return network if model.other_side is None else BothSides(network, model.other_side)

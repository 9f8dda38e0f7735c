"""Dice and cross-entropy in one pass: nnU-Net's loss, several times as fast on a CPU.

nnU-Net's own forms the softmax once for Dice and once for the cross-entropy and lets autograd keep a dozen
arrays of the logits' size. Here the softmax is formed once and the gradient is written down. Value and
gradient are those of nnU-Net's ``DC_and_CE_loss`` with ``batch_dice`` and no background in the Dice. Several
processes come to the loss of their samples together, however these are shared out (nnU-Net's loss wants
equal shares).
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn

SMALLEST_PROBABILITY = 1e-38
"""Keeps the logarithm finite; the gradient does not need it."""


class DiceAndCrossEntropy(nn.Module):
    """Cross-entropy minus the mean Dice of all classes but the background.

    weight: the cross-entropy's weight of each class, None for equal ones. smooth is added to numerator and
    denominator of each Dice.
    """

    def __init__(self, smooth: float = 1e-5) -> None:
        super().__init__()
        self.smooth = smooth
        self.weight: Tensor | None = None

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits ``[b, class, (z,) y, x]`` and labels ``[b, 1, (z,) y, x]`` to one number."""
        loss: Tensor = _Loss.apply(logits, target, self.weight, self.smooth)  # type: ignore[no-untyped-call]
        return loss


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, weight: Tensor | None, smooth: float) -> Tensor:
        classes = logits.shape[1]
        labels = target.reshape(-1).long()
        rows = logits.movedim(1, -1).reshape(-1, classes)
        probability = torch.softmax(rows, 1, dtype=torch.float32)
        of_label = probability.gather(1, labels[:, None])[:, 0]
        share = torch.ones_like(of_label) if weight is None else weight[labels]
        surprise = -(share * of_label.clamp_min(SMALLEST_PROBABILITY).log()).sum()
        inside_sum = torch.bincount(labels, of_label, classes)
        size_sum = torch.bincount(labels, minlength=classes) + probability.sum(0)

        sums, processes = _of_all_processes(
            torch.cat((inside_sum, size_sum, share.sum()[None], surprise[None]))
        )
        share = share / sums[-2]
        overlap, size = 2 * sums[:classes] + smooth, sums[classes:-2] + smooth
        loss = sums[-1] / sums[-2] - (overlap / size)[1:].mean()

        # the loss's derivative by a voxel's probability of a class: for every voxel, and more in the class
        everywhere, inside = overlap / size**2 / (classes - 1), -2 / size / (classes - 1)
        everywhere[0] = inside[0] = 0
        ctx.save_for_backward(probability, labels, of_label, share, everywhere, inside)
        ctx.logits = logits.shape, logits.dtype, processes
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        probability, labels, of_label, share, everywhere, inside = ctx.saved_tensors
        own = inside[labels] * of_label
        # softmax's derivative: p (d - sum of p d), where d is the derivative by the probabilities
        mean = torch.mv(probability, everywhere) + own
        rows = (everywhere + (share - mean)[:, None]).mul_(probability)
        rows.scatter_add_(1, labels[:, None], (own - share)[:, None])
        (batch, classes, *grid), dtype, processes = ctx.logits
        # DistributedDataParallel divides the sum over the processes by their number
        by_logits = (rows * (processes * gradients[0])).to(dtype).reshape(batch, *grid, classes)
        return by_logits.movedim(-1, 1), None, None, None


def _of_all_processes(values: Tensor) -> tuple[Tensor, int]:
    """The sum over the processes of a distributed training, and their number."""
    if not distributed.is_initialized():
        return values, 1
    distributed.all_reduce(values)
    return values, distributed.get_world_size()

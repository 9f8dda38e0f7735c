"""Dice and cross-entropy in one pass: nnU-Net's loss, several times as fast on a CPU.

nnU-Net's own forms the softmax once for Dice and once for the cross-entropy and lets autograd keep a dozen
arrays of the logits' size. Here the softmax is formed once and the gradient is written down. Value and
gradient are those of nnU-Net's ``DC_and_CE_loss`` with ``batch_dice`` and no background in the Dice.

Two things nnU-Net's cannot do: several processes come to the loss of their samples together, however these
are shared out; and organs may be unknown in a sample. Its background then stands for background or any of
these, whose probabilities are added up, and they take no part in the sample's share of the Dice.
"""

from typing import Any

import torch
from torch import Tensor, distributed, nn

SMALLEST_PROBABILITY = 1e-38
"""Keeps the logarithm finite; the gradient does not need it."""


class DiceAndCrossEntropy(nn.Module):
    """Cross-entropy minus the mean Dice of all classes but the background.

    weight: the cross-entropy's weight of each class, None for equal ones. unknown: bool ``[b, class]``, the
    organs of the next batch that its labels would hold as background; None where there are none. smooth is
    added to numerator and denominator of each Dice.
    """

    def __init__(self, smooth: float = 1e-5) -> None:
        super().__init__()
        self.smooth = smooth
        self.weight: Tensor | None = None
        self.unknown: Tensor | None = None

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits ``[b, class, (z,) y, x]`` and labels ``[b, 1, (z,) y, x]`` to one number."""
        loss: Tensor = _Loss.apply(  # type: ignore[no-untyped-call]  # in torch
            logits, target, self.weight, self.unknown, self.smooth
        )
        return loss


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        target: Tensor,
        weight: Tensor | None,
        unknown: Tensor | None,
        smooth: float,
    ) -> Tensor:
        batch, classes = logits.shape[:2]
        labels = target.reshape(-1).long()
        rows = logits.movedim(1, -1).reshape(-1, classes)
        probability = torch.softmax(rows, 1, dtype=torch.float32)
        of_label = probability.gather(1, labels[:, None])[:, 0]
        inside_sum = torch.bincount(labels, of_label, classes)
        of_sample = probability.reshape(batch, -1, classes).sum(1)
        if unknown is not None:
            of_sample = of_sample.masked_fill(unknown, 0.0)
            # the background's probability is that of all that it may be
            for voxels, merged in _merged(labels, unknown):
                of_label[voxels] += probability[voxels][:, merged[1:]].sum(1)
        size_sum = torch.bincount(labels, minlength=classes) + of_sample.sum(0)
        share = torch.ones_like(of_label) if weight is None else weight[labels]
        surprise = -(share * of_label.clamp_min(SMALLEST_PROBABILITY).log()).sum()

        sums, processes = _of_all_processes(
            torch.cat((inside_sum, size_sum, share.sum()[None], surprise[None]))
        )
        share = share / sums[-2]
        overlap, size = 2 * sums[:classes] + smooth, sums[classes:-2] + smooth
        loss = sums[-1] / sums[-2] - (overlap / size)[1:].mean()

        # the Dice's part of the derivative by a voxel's probability of a class: everywhere, and inside it
        everywhere, inside = overlap / size**2 / (classes - 1), -2 / size / (classes - 1)
        everywhere[0] = inside[0] = 0
        ctx.save_for_backward(probability, labels, of_label, share, everywhere, inside, unknown)
        ctx.logits = logits.shape, logits.dtype, processes
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        probability, labels, of_label, share, everywhere, inside, unknown = ctx.saved_tensors
        (batch, classes, *grid), dtype, processes = ctx.logits
        own = inside[labels] * of_label
        by_class = everywhere.expand(batch, classes)
        if unknown is not None:
            by_class = by_class.masked_fill(unknown, 0.0)
        by_sample = probability.reshape(batch, -1, classes)
        # softmax's derivative: p (d - sum of p d), where d is the derivative by the probabilities
        mean = torch.bmm(by_sample, by_class[..., None]).reshape(-1) + own
        rows = by_sample * by_class[:, None]
        rows = rows.reshape(-1, classes).addcmul_(probability, (share - mean)[:, None])
        of_own = own - share
        for voxels, merged in _merged(labels, unknown) if unknown is not None else ():
            shares = probability[voxels][:, merged] / of_label[voxels, None].clamp_min(SMALLEST_PROBABILITY)
            rows[voxels[:, None], merged] -= share[voxels, None] * shares
            of_own[voxels] = 0.0
        rows.scatter_add_(1, labels[:, None], of_own[:, None])
        # DistributedDataParallel divides the sum over the processes by their number
        by_logits = (rows * (processes * gradients[0])).to(dtype).reshape(batch, *grid, classes)
        return by_logits.movedim(-1, 1), None, None, None, None


def _merged(labels: Tensor, unknown: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Per sample with unknown organs: its background voxels, and the classes that these may be, 0 first."""
    found = []
    for sample, (own, organs) in enumerate(zip(labels.reshape(len(unknown), -1), unknown, strict=True)):
        if organs.any():
            voxels = (own == 0).nonzero()[:, 0] + sample * own.numel()
            classes = torch.cat((organs.new_zeros(1, dtype=torch.long), organs.nonzero()[:, 0]))
            found.append((voxels, classes))
    return found


def _of_all_processes(values: Tensor) -> tuple[Tensor, int]:
    """The sum over the processes of a distributed training, and their number."""
    if not distributed.is_initialized():
        return values, 1
    distributed.all_reduce(values)
    return values, distributed.get_world_size()

"""The one-pass loss against nnU-Net's own and against numbers worked out by hand."""

import math
from pathlib import Path

import pytest
import torch
from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
from torch import Tensor, distributed
from torch.multiprocessing.spawn import spawn

from hnseg_train.loss import DiceAndCrossEntropy

CLASSES = 5


def nnunet_loss(weight: Tensor | None) -> DC_and_CE_loss:
    dice = {"batch_dice": True, "smooth": 1e-5, "do_bg": False, "ddp": False}
    return DC_and_CE_loss(dice, {"weight": weight}, dice_class=MemoryEfficientSoftDiceLoss)


def one_pass_loss(weight: Tensor | None) -> DiceAndCrossEntropy:
    loss = DiceAndCrossEntropy()
    loss.weight = weight
    return loss


def value_and_gradient(loss: torch.nn.Module, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    logits = logits.detach().requires_grad_()
    value = loss(logits, target)
    # a factor, as deep supervision applies to every scale
    (0.3 * value).backward()
    assert logits.grad is not None
    return value.detach(), logits.grad


def sample(shape: tuple[int, ...], classes: int) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(7)
    logits = 3 * torch.randn((shape[0], CLASSES, *shape[1:]), generator=draws)
    return logits, torch.randint(0, classes, (shape[0], 1, *shape[1:]), generator=draws, dtype=torch.int16)


@pytest.mark.parametrize("shape", [(2, 6, 9), (3, 4, 5, 7)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("present", [CLASSES, 3, 1])
def test_value_and_gradient_are_those_of_nnunet(shape: tuple[int, ...], weighted: bool, present: int) -> None:
    weight = torch.tensor([1.0, 4.0, 2.5, 7.0, 1.5]) if weighted else None
    logits, target = sample(shape, present)
    theirs = value_and_gradient(nnunet_loss(weight), logits, target.long())
    ours = value_and_gradient(one_pass_loss(weight), logits, target)
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours[1], theirs[1], rtol=1e-5, atol=1e-8)


def test_channels_last_logits_give_the_same() -> None:
    logits, target = sample((2, 6, 9), CLASSES)
    plain = value_and_gradient(one_pass_loss(None), logits, target)
    last = value_and_gradient(
        one_pass_loss(None), logits.contiguous(memory_format=torch.channels_last), target
    )
    torch.testing.assert_close(last[0], plain[0])
    torch.testing.assert_close(last[1].contiguous(), plain[1])


def test_two_voxels_by_hand() -> None:
    # probabilities (3/4, 1/4) and (1/5, 4/5); the first voxel is background, the second the organ
    logits = torch.tensor([[math.log(3.0), 0.0], [0.0, math.log(4.0)]]).T.reshape(1, 2, 1, 2)
    target = torch.tensor([0, 1]).reshape(1, 1, 1, 2)
    cross_entropy = -(math.log(3 / 4) + math.log(4 / 5)) / 2
    dice = 2 * 0.8 / (1 + 0.25 + 0.8)
    assert DiceAndCrossEntropy(smooth=0.0)(logits, target).item() == pytest.approx(cross_entropy - dice)


def test_a_hopelessly_wrong_voxel_gives_a_finite_loss_and_a_gradient() -> None:
    logits = torch.tensor([200.0, -200.0]).reshape(1, 2, 1, 1)
    target = torch.ones((1, 1, 1, 1), dtype=torch.int16)
    value, gradient = value_and_gradient(DiceAndCrossEntropy(), logits, target)
    assert torch.isfinite(value)
    assert value > 80
    assert gradient[0, 0].item() == pytest.approx(0.3)
    assert gradient[0, 1].item() == pytest.approx(-0.3)


def test_bfloat16_logits_get_a_bfloat16_gradient() -> None:
    logits, target = sample((2, 6, 9), CLASSES)
    value, gradient = value_and_gradient(DiceAndCrossEntropy(), logits.bfloat16(), target)
    exact, exact_gradient = value_and_gradient(DiceAndCrossEntropy(), logits, target)
    assert value.dtype == torch.float32
    assert gradient.dtype == torch.bfloat16
    assert value.item() == pytest.approx(exact.item(), abs=0.01)
    torch.testing.assert_close(gradient.float(), exact_gradient, rtol=0.05, atol=1e-4)


def share_of_the_loss(rank: int, folder: str) -> None:
    """One of two processes, with two samples of three for the first; keeps its loss and gradient."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", world_size=2, rank=rank)
    logits, target = sample((3, 6, 9), CLASSES)
    own = slice(0, 2) if rank == 0 else slice(2, 3)
    weight = torch.tensor([1.0, 4.0, 2.5, 7.0, 1.5])
    torch.save(
        value_and_gradient(one_pass_loss(weight), logits[own], target[own]), f"{folder}/rank_{rank}.pt"
    )
    distributed.destroy_process_group()


def test_two_processes_come_to_the_loss_of_the_whole_batch(tmp_path: Path) -> None:
    spawn(share_of_the_loss, (str(tmp_path),), nprocs=2)
    logits, target = sample((3, 6, 9), CLASSES)
    weight = torch.tensor([1.0, 4.0, 2.5, 7.0, 1.5])
    value, gradient = value_and_gradient(nnunet_loss(weight), logits, target.long())
    shares = [torch.load(tmp_path / f"rank_{rank}.pt") for rank in (0, 1)]
    for own_value, _ in shares:
        torch.testing.assert_close(own_value, value, rtol=1e-6, atol=1e-6)
    # what DistributedDataParallel makes of the two is half their sum
    averaged = torch.cat([own_gradient for _, own_gradient in shares]) / 2
    torch.testing.assert_close(averaged, gradient, rtol=1e-5, atol=1e-8)


def slow_partial_loss(logits: Tensor, target: Tensor, unknown: Tensor, weight: Tensor) -> Tensor:
    """The definition, sample by sample, for autograd to differentiate."""
    probability = logits.double().softmax(1)
    chosen, weights = [], []
    overlap, size = torch.zeros(CLASSES).double(), torch.zeros(CLASSES).double()
    for own, labels, organs in zip(probability, target[:, 0].long(), unknown, strict=True):
        background = own[0] + sum(own[c] for c in range(CLASSES) if organs[c])
        for value in range(CLASSES):
            inside = labels == value
            chosen.append((background if value == 0 else own[value])[inside])
            weights.append(torch.full_like(chosen[-1], float(weight[value])))
            if not organs[value]:
                overlap[value] = overlap[value] + 2 * own[value][inside].sum()
                size[value] = size[value] + inside.sum() + own[value].sum()
    all_weights = torch.cat(weights)
    cross_entropy = -(all_weights * torch.cat(chosen).log()).sum() / all_weights.sum()
    return cross_entropy - ((overlap + 1e-5) / (size + 1e-5))[1:].mean()


@pytest.mark.parametrize("organs", [[[2, 4], [], [1]], [[], [], []], [[1, 2, 3, 4]] * 3, [[3], [3], [3]]])
def test_unknown_organs_are_not_taught_as_background(organs: list[list[int]]) -> None:
    logits, target = sample((3, 6, 9), CLASSES)
    unknown = torch.zeros((3, CLASSES), dtype=torch.bool)
    for index, of_sample in enumerate(organs):
        unknown[index, of_sample] = True
        for value in of_sample:
            # who did not contour it left background there
            target[index][target[index] == value] = 0
    weight = torch.tensor([1.0, 4.0, 2.5, 7.0, 1.5])
    loss = one_pass_loss(weight)
    loss.unknown = unknown
    value, gradient = value_and_gradient(loss, logits, target)

    exact_logits = logits.double().requires_grad_()
    exact = slow_partial_loss(exact_logits, target, unknown, weight)
    (0.3 * exact).backward()
    assert exact_logits.grad is not None
    torch.testing.assert_close(value.double(), exact.detach(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient.double(), exact_logits.grad, rtol=1e-4, atol=1e-7)


def test_where_all_is_background_an_unknown_organ_is_as_good_as_it() -> None:
    logits = torch.zeros((1, 3, 2, 2))
    loss = DiceAndCrossEntropy()
    loss.unknown = torch.tensor([[False, False, True]])
    _, gradient = value_and_gradient(loss, logits, torch.zeros((1, 1, 2, 2), dtype=torch.int16))
    torch.testing.assert_close(gradient[:, 0], gradient[:, 2])
    assert (gradient[:, 0] < 0).all()
    assert (gradient[:, 1] > 0).all()

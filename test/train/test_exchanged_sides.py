"""Samples mirrored with left and right exchanged."""

import pytest
import torch

from hnseg_infer.errors import InputError
from hnseg_train.exchanged_sides import ExchangedSides, label_organs

LABELS = {"background": 0, "brain_stem": 1, "parotid_left": 2, "parotid_right": 3}


def sample() -> dict[str, torch.Tensor]:
    """The left parotid beside the brain stem; the first column lies outside the image."""
    return {
        "image": torch.arange(8.0).reshape(1, 2, 4),
        "segmentation": torch.tensor([[[-1, 1, 2, 0], [-1, 1, 0, 3]]], dtype=torch.int16),
    }


def test_image_and_labels_turn_together_and_sides_are_exchanged() -> None:
    turned = ExchangedSides(LABELS).apply(sample(), mirrored=True)
    assert turned["image"].tolist() == [[[3, 2, 1, 0], [7, 6, 5, 4]]]
    assert turned["segmentation"].tolist() == [[[0, 3, 1, -1], [2, 0, 1, -1]]]
    assert turned["segmentation"].dtype == torch.int16


def test_about_half_of_the_samples_are_mirrored() -> None:
    torch.manual_seed(0)
    transform = ExchangedSides(LABELS)
    images = [transform(**sample())["image"] for _ in range(400)]
    same = sum(torch.equal(image, sample()["image"]) for image in images)
    assert 160 < same < 240
    assert any(torch.equal(image, sample()["image"].flip(-1)) for image in images)


def test_an_organ_without_its_other_side_is_refused() -> None:
    with pytest.raises(InputError, match="parotid_left has no other side"):
        ExchangedSides({"background": 0, "brain_stem": 1, "parotid_left": 2})


def test_the_background_is_no_organ() -> None:
    assert label_organs(LABELS) == ((1, "brain_stem"), (2, "parotid_left"), (3, "parotid_right"))

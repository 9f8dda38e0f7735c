"""From labelled CTs to what nnU-Net's loader reads: crops, label values, files."""

import pickle
from dataclasses import replace
from math import floor
from pathlib import Path

import numpy as np
import pytest

from hnseg_infer.head_place import head_center
from hnseg_infer.preprocessing import HUWindow, z_score
from hnseg_infer.volume import Volume
from hnseg_train import dataset
from hnseg_train.dataset import (
    model_target,
    sample_names,
    training_window,
    write_samples,
)
from hnseg_train.recipes import LITE

MODELS = {model.name: model for model in LITE.models}


@pytest.fixture
def labelled(head_ct):
    """The small head with a chiasm, a pituitary and one eye in it."""
    labels = np.zeros(head_ct.array.shape, dtype=np.uint8)
    labels[22, 38:42, 30:34] = 8
    labels[20, 38:40, 31:33] = 11
    labels[18:22, 20:30, 40:50] = 2
    return head_ct, Volume(labels, head_ct.geometry)


def test_a_sample_of_the_small_organs_is_wider_than_what_is_seen_in_use(labelled) -> None:
    ct, labels = labelled
    # the centre of both organs' bounding box is (21, 39.5, 31.5); the image is 40 x 72 x 64
    stored, seen = training_window(MODELS["3d_small"], ct, labels.array)
    assert seen == (slice(14, 30), slice(8, 72), slice(0, 64))
    assert stored == (slice(10, 34), slice(0, 72), slice(0, 64))


def test_a_sample_is_normalised_as_what_is_seen_in_use(labelled, tmp_path) -> None:
    from nnunetv2.training.dataloading.nnunet_dataset import infer_dataset_class

    ct, labels = labelled
    model = replace(MODELS["3d_small"], hu_window=None)
    write_samples("7", ct, labels.array, model, tmp_path)
    folder = str(tmp_path / "hnseg_3d_small" / "3d_small")
    data, *_ = infer_dataset_class(folder)(folder).load_case("7_0")
    assert data.shape == (1, 24, 72, 64)
    np.testing.assert_allclose(data[:][0, 4:20, 8:], z_score(ct.array[14:30, 8:72]), atol=1e-5)


def test_a_sample_shows_the_models_hu(labelled, tmp_path) -> None:
    from nnunetv2.training.dataloading.nnunet_dataset import infer_dataset_class

    ct, labels = labelled
    model = replace(MODELS["3d_small"], hu_window=HUWindow(-100, 300, 50, 75))
    write_samples("7", ct, labels.array, model, tmp_path)
    folder = str(tmp_path / "hnseg_3d_small" / "3d_small")
    data, *_ = infer_dataset_class(folder)(folder).load_case("7_0")
    hu = np.minimum(np.maximum(ct.array[10:34].astype(float), -100), 300)
    np.testing.assert_allclose(data[:][0], (hu - 50) / 75, atol=1e-5)
    assert data[:].min() == -2


def test_target_values_are_the_models_own(labelled) -> None:
    labels = labelled[1].array
    small = model_target(MODELS["3d_small"], labels)
    assert np.array_equal(small == 1, labels == 8)
    assert np.array_equal(small == 2, labels == 11)
    assert set(np.unique(small)) == {0, 1, 2}
    assert np.array_equal(model_target(MODELS["2d"], labels), labels)


def test_a_given_centre_comes_before_the_labels(labelled) -> None:
    ct, labels = labelled
    small, center = MODELS["3d_small"], (28.0, 39.5, 31.5)
    stored, seen = training_window(small, ct, labels.array, center)
    assert (stored[0], seen[0]) == (slice(16, 40), slice(21, 37))
    without = np.zeros_like(labels.array)
    assert training_window(small, ct, without, center) == (stored, seen)
    assert training_window(small, ct, without) is None
    assert write_samples("7", ct, without, small, Path("nowhere")) == []


def test_written_samples_are_what_nnunet_loads(labelled, tmp_path) -> None:
    from nnunetv2.training.dataloading.nnunet_dataset import infer_dataset_class

    ct, labels = labelled
    model = replace(MODELS["2d"], patch=(96, 96), hu_window=None)
    files = write_samples("7", ct, labels.array, model, tmp_path)
    assert sample_names(files, MODELS["2d"]) == ["7_0"]
    assert sample_names(files, MODELS["3d"]) == []
    folder = str(tmp_path / "hnseg_2d" / "2d")
    data, seg, _, properties = infer_dataset_class(folder)(folder).load_case("7_0")
    # 500 mm are 125 voxels of 4 mm, around the head's centre; the image ends before them
    row, column = head_center(ct.array, ct.geometry.spacing_zyx)
    top, left = (floor(place - 62 + 0.5) for place in (row, column))
    inside = np.s_[:, -top : 72 - top, -left : 64 - left]
    shown = np.full((40, 125, 125), -1000, np.int16)
    shown[inside] = ct.array
    np.testing.assert_array_equal(data[:][0], z_score(shown))
    np.testing.assert_array_equal(seg[:][0][inside], labels.array)
    assert np.count_nonzero(seg[:]) == np.count_nonzero(labels.array)
    assert {value for value, voxels in properties["class_locations"].items() if len(voxels)} == {2, 8, 11}


def test_an_interrupted_sample_is_no_sample(labelled, tmp_path, monkeypatch) -> None:
    ct, labels = labelled
    save = dataset._save

    def save_and_stop(*arguments) -> None:
        save(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(dataset, "_save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            write_samples("7", ct, labels.array, MODELS["2d"], tmp_path)
    assert not list((tmp_path / "hnseg_2d" / "2d").iterdir())
    assert len(write_samples("7", ct, labels.array, MODELS["2d"], tmp_path)) == 3
    assert {path.name for path in (tmp_path / "hnseg_2d").iterdir()} == {"2d", "dataset_fingerprint.json"}


def test_samples_say_which_of_the_models_classes_are_unknown(labelled, tmp_path) -> None:
    ct, labels = labelled
    missing = ("eye_left", "pituitary")
    for name, expected in (("2d", [2, 11]), ("3d_small", [2])):
        files = write_samples("7", ct, labels.array, MODELS[name], tmp_path, uncontoured=missing)
        for file in files:
            if file.suffix == ".pkl":
                assert pickle.loads(file.read_bytes())[dataset.UNKNOWN] == expected

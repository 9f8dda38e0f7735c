"""What a model is shown of a CT, and where what it finds comes to lie."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from bundle_factory import make_bundle

from hnseg_infer.bundle import Bundle, load_bundle
from hnseg_infer.class_maps import ClassMap, RankedMap
from hnseg_infer.loaded_bundle import LoadedBundle
from hnseg_infer.model_run import run_model
from hnseg_infer.preprocessing import Window
from hnseg_infer.volume import Geometry, Volume

SHAPE = (6, 70, 90)
WHOLE = slice(0, 6), slice(0, 70), slice(0, 90)
FIELD = slice(0, 6), slice(-20, 100), slice(-15, 105)
"""The image, and air around it."""
PATIENTS = {
    "in the middle": np.s_[:, 20:50, 30:60],
    "at the edges": np.s_[:, 0:25, 62:90],
    "wider than the patch": np.s_[:, 20:50, 12:80],
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Its 2D model sees whole slices in tiles of 32 x 32 voxels."""
    return load_bundle(make_bundle(tmp_path_factory.mktemp("bundle")))


def ct_of(patient: Window) -> Volume:
    """A block of water in air; 3 x 2 x 2 mm."""
    hu = np.full(SHAPE, -1000, np.int16)
    hu[patient] = 0
    geometry = Geometry(SHAPE, (2.0, 2.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1, 0, 0, 0, 1))
    return Volume(hu, geometry)


class Water:
    """Gives whatever is denser than the mean of the image class 2; remembers what it was shown."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self.region: Window | None = None

    def labels(self, image: np.ndarray, region: Window, _progress: object) -> ClassMap:
        self.shape, self.region = image.shape, region
        labels = np.zeros(image.shape, np.uint8)
        labels[region] = 2 * (image[region] > 0)
        return ClassMap(labels, np.zeros(5))

    def ranks(self, image: np.ndarray, region: Window, progress: object) -> RankedMap:
        labels = self.labels(image, region, progress).labels
        classes = np.stack([labels, labels == 0, labels == 1], axis=-1).astype(np.uint8)
        probabilities = np.zeros(classes.shape, np.float16)
        probabilities[..., 0] = 1
        return RankedMap(classes, probabilities, np.zeros(5))


def run(
    bundle: Bundle,
    patient: Window,
    spacing: tuple[float, float, float] | None,
    slices: slice,
    window: Window = FIELD,
) -> tuple[Water, np.ndarray]:
    water = Water()
    ranker: Callable[[str], object] = lambda _: water.ranks  # noqa: E731
    loaded = LoadedBundle(bundle, "test", {"2d": water.labels}, ranker)  # type: ignore[arg-type]
    model = replace(bundle.models[0], spacing=spacing)
    assert (model.name, model.crop, model.network.patch) == ("2d", "whole", (32, 32))
    return water, run_model(model, loaded, ct_of(patient), window, slices, spacing).labels


@pytest.mark.parametrize("where", PATIENTS)
def test_a_model_of_whole_cts_sees_the_patient(bundle: Bundle, where: str) -> None:
    patient = PATIENTS[where]
    water, labels = run(bundle, patient, None, slice(0, 6))
    expected = np.zeros(SHAPE, np.uint8)
    expected[patient] = bundle.models[0].organ_ids[2]
    np.testing.assert_array_equal(labels, expected)
    depth, height, width = water.shape
    assert depth == 6
    # 10 mm around 30 or 68 voxels of 2 mm, found every second voxel; never less than the patch
    assert 32 <= height <= 44
    assert width <= (82 if where == "wider than the patch" else 44)


def test_the_same_at_another_spacing(bundle: Bundle) -> None:
    patient = PATIENTS["in the middle"]
    water, labels = run(bundle, patient, (3.0, 4.0, 4.0), slice(0, 6), WHOLE)
    expected = np.zeros(SHAPE, np.uint8)
    expected[patient] = bundle.models[0].organ_ids[2]
    # 15 voxels of 4 mm and 10 mm to either side are less than the patch
    assert water.shape == (6, 32, 32)
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize("spacing", [None, (3.0, 1.0, 1.0)])
def test_slices_without_organs_stay_empty(bundle: Bundle, spacing: tuple[float, float, float] | None) -> None:
    patient = PATIENTS["in the middle"]
    water, labels = run(bundle, patient, spacing, slice(2, 4))
    assert water.region is not None
    assert water.region[0] == slice(2, 4)
    assert labels[2:4].any()
    assert not labels[:2].any()
    assert not labels[4:].any()
    _, nothing = run(bundle, patient, spacing, slice(5, 5))
    assert not nothing.any()

"""The metrics against SimpleITK and surface-distance, on random and on degenerate masks.

``surface_distance_0_1.json`` holds what surface-distance-based-measures 0.1 (DeepMind) computes for the same
pairs: ``compute_surface_dice_at_tolerance(compute_surface_distances(reference, prediction, spacing), 1.0)``.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from mask_pairs import ONE_EMPTY, PAIRS

from hnseg_infer.volume import Geometry, Volume
from hnseg_train.evaluation.metrics import score_case
from hnseg_train.evaluation.surface_dsc import surface_dsc

NSD = json.loads((Path(__file__).parent / "surface_distance_0_1.json").read_text())

every_pair = pytest.mark.parametrize("name", sorted(PAIRS))


def volume(mask, spacing):
    direction = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
    return Volume(mask.astype(np.uint8), Geometry(mask.shape, spacing[::-1], (0.0, 0.0, 0.0), direction))


def score(pair):
    (only,) = score_case(
        volume(pair.prediction, pair.spacing), volume(pair.reference, pair.spacing), {1: "organ"}
    )
    return only


def image(mask, spacing):
    """With a voxel of background on every side: SimpleITK sees no surface at the image's border."""
    made = sitk.GetImageFromArray(np.pad(mask.astype(np.uint8), 1))
    made.SetSpacing(spacing[::-1])
    return made


def directed_distances(source, target):
    """From the surface voxels of one mask to the nearest ones of the other, in mm, sorted."""
    contours = [sitk.LabelContour(each, fullyConnected=False) for each in (source, target)]
    distance = sitk.SignedMaurerDistanceMap(contours[1], squaredDistance=False, useImageSpacing=True)
    found = sitk.GetArrayViewFromImage(distance)[sitk.GetArrayViewFromImage(contours[0]) > 0]
    return np.sort(np.abs(found))


@every_pair
def test_dsc(name):
    pair = PAIRS[name]
    measures = sitk.LabelOverlapMeasuresImageFilter()
    measures.Execute(image(pair.reference, pair.spacing), image(pair.prediction, pair.spacing))
    assert score(pair).dsc == pytest.approx(measures.GetDiceCoefficient(1), abs=1e-6)


@every_pair
def test_hd95(name):
    pair = PAIRS[name]
    images = image(pair.prediction, pair.spacing), image(pair.reference, pair.spacing)
    directed = [directed_distances(*images), directed_distances(*images[::-1])]
    expected = max(distances[int(0.95 * (len(distances) - 1))] for distances in directed)
    assert score(pair).hd95_mm == pytest.approx(expected, abs=1e-4)


@every_pair
def test_volumes(name):
    pair = PAIRS[name]
    sizes = []
    for mask in (pair.prediction, pair.reference):
        statistics = sitk.LabelShapeStatisticsImageFilter()
        statistics.Execute(image(mask, pair.spacing))
        sizes.append(statistics.GetPhysicalSize(1) / 1000)
    result = score(pair)
    assert result.volume_error_cm3 == pytest.approx(sizes[0] - sizes[1], abs=1e-9)
    assert result.volume_error_percent == pytest.approx(100 * (sizes[0] / sizes[1] - 1), abs=1e-6)


@every_pair
def test_nsd(name):
    assert score(PAIRS[name]).nsd_1mm == pytest.approx(NSD[name], abs=1e-6)


@pytest.mark.parametrize("name", sorted(ONE_EMPTY))
def test_nsd_with_an_empty_mask(name):
    pair = ONE_EMPTY[name]
    assert surface_dsc(pair.prediction, pair.reference, pair.spacing) == NSD[name] == 0.0


def test_missed_and_invented():
    missed, invented = score(ONE_EMPTY["missed"]), score(ONE_EMPTY["invented"])
    # 6 x 6 x 6 voxels of 3 x 1.5 x 1 mm
    assert (missed.dsc, missed.hd95_mm, missed.nsd_1mm) == (0.0, None, 0.0)
    assert missed.volume_error_cm3 == pytest.approx(-0.972)
    assert missed.volume_error_percent == pytest.approx(-100.0)
    assert (invented.dsc, invented.hd95_mm, invented.nsd_1mm) == (None, None, None)
    assert (invented.volume_error_cm3, invented.volume_error_percent) == (None, None)
    assert invented.predicted_cm3 == pytest.approx(0.972)

"""Cut along z."""

import numpy as np
from numpy.typing import NDArray
from varied_head import VALUES, grid

from hnseg_infer.volume import Volume
from hnseg_train.recipes import STRUCTSEG
from hnseg_train.variation.crop import LEAST_SLICES, crop, head_levels, sample_crop

Head = tuple[Volume, NDArray[np.uint8]]


def test_labels_and_places_stay_with_the_slices() -> None:
    # a CT and labels that say their own z
    z = np.arange(30)[:, None, None] * np.ones((1, 4, 4))
    ct = Volume(z.astype(np.float32), grid((30, 4, 4), (1.0, 1.0, 2.5)))
    part, labels = crop(ct, z.astype(np.uint8), planes=slice(7, 19))
    assert part.geometry.shape == (12, 4, 4)
    np.testing.assert_array_equal(part.array, labels)
    for index in (0, 11):
        assert part.geometry.position((index, 0, 0))[2] == 2.5 * part.array[index, 0, 0]


def test_levels_are_those_of_the_labels(head: Head) -> None:
    # mandible 18 - 3; eyes 40 - 3, and 10 mm below them; head 30 + 16
    levels = head_levels(*head, STRUCTSEG)
    assert (levels.chin, levels.lowest_top) == (15, 34)
    assert levels.vertex in (45, 46)


def test_without_labels_levels_are_distances_from_the_vertex(head: Head) -> None:
    levels = head_levels(head[0], np.zeros_like(head[1]), STRUCTSEG)
    # 110 and 10 mm are 31 and 3 slices of 3.5 mm, 200 mm are more than there are
    assert levels.lowest_top == levels.vertex - 34
    assert levels.chin == 0


def test_drawn_crops_keep_what_they_promise(head: Head) -> None:
    ct, labels = head
    levels = head_levels(ct, labels, STRUCTSEG)
    rng = np.random.default_rng(4)
    crops = [sample_crop(labels, levels, rng) for _ in range(400)]
    assert all(planes.stop - planes.start >= LEAST_SLICES for planes in crops)
    assert all(labels[planes].any() for planes in crops)
    assert all(0 <= planes.start <= levels.chin and planes.stop <= 48 for planes in crops)
    whole = np.mean([planes.stop > levels.vertex for planes in crops])
    assert 0.65 < whole < 0.85
    eyeless = [planes for planes in crops if not (labels[planes] == VALUES["eye_left"]).any()]
    assert eyeless


def test_a_scan_of_few_slices_stays_whole(head: Head) -> None:
    ct, labels = crop(*head, planes=slice(16, 36))
    levels = head_levels(ct, labels, STRUCTSEG)
    rng = np.random.default_rng(0)
    assert all(sample_crop(labels, levels, rng) == slice(0, 20) for _ in range(20))


def test_the_only_organ_stays(head: Head) -> None:
    ct, labels = head
    labels[labels != VALUES["eye_left"]] = 0
    levels = head_levels(ct, labels, STRUCTSEG)
    rng = np.random.default_rng(0)
    assert all(labels[sample_crop(labels, levels, rng)].any() for _ in range(60))

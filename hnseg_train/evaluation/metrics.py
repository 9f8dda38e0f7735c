"""DSC and HD95 per organ of one case, computed by ``grand-challenge-metrics`` (formerly evalutils).

Axes: arrays are ``[z, y, x]``. The library's HD95 takes as surface the organ's voxels with at
least one face neighbour outside the organ (the image border counts as outside), measures from
each surface voxel's centre to the nearest surface voxel's centre of the other mask, takes from
the n sorted distances the one at index ``int(0.95 (n - 1))`` and returns the larger of the two directions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.alignment import on_one_grid
from hnseg_infer.organ_names import label_name
from hnseg_infer.volume import Array, Volume

_Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class OrganScore:
    """Agreement of one organ in one case.

    dsc: None when the reference does not hold the organ. hd95_mm: None also when only the
    prediction lacks it, because then there is no surface to measure from.
    """

    id: int
    name: str
    in_reference: bool
    in_prediction: bool
    dsc: float | None
    hd95_mm: float | None

    @property
    def missed(self) -> bool:
        """In the reference, yet without a voxel in the prediction."""
        return self.in_reference and not self.in_prediction


def score_case(
    prediction: Volume,
    reference: Volume,
    organs: Mapping[int, str],
    sources: tuple[str, str] = ("the prediction", "the reference"),
) -> list[OrganScore]:
    """Scores of every organ in ``organs`` (name by label value) and of every other value that occurs.

    The volumes hold whole label values, 0 is background; ``sources`` are what an error calls them.
    Raises InputError when they do not lie on the same grid.
    """
    predicted, expected = on_one_grid(prediction, reference, sources)
    found, wanted = _boxes(predicted.array), _boxes(expected.array)
    scores = []
    for value in sorted(set(organs) | set(found) | set(wanted)):
        name = label_name(value, organs)
        if value in found and value in wanted:
            box = _joint(found[value], wanted[value])
            masks = predicted.array[box] == value, expected.array[box] == value
            hd95 = hausdorff_95(*masks, expected.geometry.spacing_zyx)
            scores.append(OrganScore(value, name, True, True, dice(*masks), hd95))
        else:
            dsc = 0.0 if value in wanted else None
            scores.append(OrganScore(value, name, value in wanted, value in found, dsc, None))
    return scores


def dice(prediction: NDArray[np.bool_], reference: NDArray[np.bool_]) -> float:
    """Dice similarity coefficient of two masks, neither of which is empty."""
    from grand_challenge_metrics.stats import calculate_confusion_matrix, dice_from_confusion_matrix

    # One voxel of background around both keeps the library from dividing by zero where a mask fills its box.
    matrix = calculate_confusion_matrix(np.pad(reference, 1), np.pad(prediction, 1), labels=[0, 1])
    return float(dice_from_confusion_matrix(matrix)[1])


def hausdorff_95(
    prediction: NDArray[np.bool_], reference: NDArray[np.bool_], spacing_zyx: tuple[float, float, float]
) -> float:
    """95 % Hausdorff distance in mm of two masks, neither of which is empty.

    Any box that holds both masks completely gives the same value as the whole image: what lies
    outside is background either way.
    """
    from grand_challenge_metrics.stats import percentile_hausdorff_distance

    return float(percentile_hausdorff_distance(prediction, reference, 0.95, voxelspacing=spacing_zyx))


def _boxes(labels: Array) -> dict[int, _Box]:
    """The smallest box around each label value that occurs, background left out."""
    from scipy.ndimage import find_objects

    return {value: box for value, box in enumerate(find_objects(labels), start=1) if box is not None}


def _joint(first: _Box, second: _Box) -> _Box:
    z, y, x = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(first, second, strict=True))
    return z, y, x

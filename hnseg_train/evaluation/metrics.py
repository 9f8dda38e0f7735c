"""What is measured per organ of one case: DSC, HD95, surface DSC (NSD) and volume error.

Axes: arrays are ``[z, y, x]``. HD95 is that of ``grand-challenge-metrics`` (formerly evalutils): it takes as
surface the organ's voxels with at least one face neighbour outside the organ (the image border counts as
outside), measures from each surface voxel's centre to the nearest surface voxel's centre of the other mask,
takes from the n sorted distances the one at index ``int(0.95 (n - 1))`` and returns the larger of the two
directions. ``surface_dsc.py`` says what NSD is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.alignment import on_one_grid
from hnseg_infer.organ_names import label_name
from hnseg_infer.volume import Array, Volume
from hnseg_train.evaluation.surface_dsc import surface_dsc

_Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class OrganScore:
    """Agreement of one organ in one case; volumes in cm3, 0 where a mask does not hold the organ.

    dsc, nsd_1mm: None when the reference does not hold the organ. hd95_mm: None also when only the
    prediction lacks it, because then there is no surface to measure from.
    """

    id: int
    name: str
    predicted_cm3: float
    reference_cm3: float
    dsc: float | None
    hd95_mm: float | None
    nsd_1mm: float | None

    @property
    def in_prediction(self) -> bool:
        """The prediction holds at least one voxel of the organ."""
        return self.predicted_cm3 > 0

    @property
    def in_reference(self) -> bool:
        """The reference holds at least one voxel of the organ."""
        return self.reference_cm3 > 0

    @property
    def missed(self) -> bool:
        """In the reference, yet without a voxel in the prediction."""
        return self.in_reference and not self.in_prediction

    @property
    def volume_error_cm3(self) -> float | None:
        """Predicted minus reference volume; None when the reference does not hold the organ."""
        return self.predicted_cm3 - self.reference_cm3 if self.in_reference else None

    @property
    def volume_error_percent(self) -> float | None:
        """The volume error in percent of the reference's volume."""
        error = self.volume_error_cm3
        return None if error is None else 100.0 * error / self.reference_cm3


@dataclass(frozen=True)
class Metric:
    """A number that an OrganScore holds: its attribute, heading, decimals, and the worst of some values."""

    key: str
    title: str
    digits: int
    worst: Callable[[Sequence[float]], float]

    def of(self, score: OrganScore) -> float | None:
        """The score's value; None where it is not defined."""
        value: float | None = getattr(score, self.key)
        return value


def _farthest_from_zero(values: Sequence[float]) -> float:
    return max(values, key=abs)


METRICS = (
    Metric("dsc", "DSC", 3, min),
    Metric("hd95_mm", "HD95 mm", 2, max),
    Metric("nsd_1mm", "NSD 1 mm", 3, min),
    Metric("volume_error_cm3", "volume error cm3", 2, _farthest_from_zero),
    Metric("volume_error_percent", "volume error %", 1, _farthest_from_zero),
)
"""In the order in which tables show them."""

DSC, HD95, NSD = METRICS[:3]


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
    spacing, voxel_cm3 = expected.geometry.spacing_zyx, expected.geometry.voxel_cm3
    scores = []
    for value in sorted(set(organs) | set(found) | set(wanted)):
        dsc = nsd = 0.0 if value in wanted else None
        hd95 = None
        if value in found and value in wanted:
            box = _joint(found[value], wanted[value])
            masks = predicted.array[box] == value, expected.array[box] == value
            dsc, nsd = dice(*masks), surface_dsc(*masks, spacing)
            hd95 = hausdorff_95(*masks, spacing)
        volumes = [
            np.count_nonzero(labels.array[boxes[value]] == value) * voxel_cm3 if value in boxes else 0.0
            for labels, boxes in ((predicted, found), (expected, wanted))
        ]
        scores.append(OrganScore(value, label_name(value, organs), volumes[0], volumes[1], dsc, hd95, nsd))
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

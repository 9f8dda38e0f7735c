"""Which part of a CT each model of a bundle sees: whole slices, the head, or a box around small organs.

Arrays are ``[z, y, x]`` in canonical orientation; centres (voxels) and spacings (mm) are in z, y, x order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.bundle import BundleOrgan, ModelSpec, SmallOrganRoi
from hnseg_infer.preprocessing import Window
from hnseg_infer.report import Warning
from hnseg_infer.resampling import shape_at
from hnseg_infer.views import axial_window, grown, patch_voxels, roi_window
from hnseg_infer.volume import Volume

Center = tuple[float, float, float]

TYPICAL_POSITION_MM: Mapping[str, Center] = {
    "brain_stem": (0.0, 0.0, 0.0),
    "eye_left": (15.4, -84.4, 29.5),
    "eye_right": (15.4, -84.4, -29.5),
    "optic_nerve_left": (13.2, -61.5, 20.9),
    "optic_nerve_right": (13.2, -61.5, -20.9),
    "optic_chiasm": (18.7, -32.3, 0.0),
    "temporal_lobe_left": (24.1, -2.8, 45.5),
    "temporal_lobe_right": (24.1, -2.8, -45.5),
    "pituitary": (11.7, -31.3, 0.0),
    "inner_ear_left": (-7.7, -8.6, 34.8),
    "inner_ear_right": (-7.7, -8.6, -34.8),
    "middle_ear_left": (-9.1, -9.8, 36.8),
    "middle_ear_right": (-9.1, -9.8, -36.8),
    "tmj_left": (-13.4, -22.5, 49.9),
    "tmj_right": (-13.4, -22.5, -49.9),
}
"""Organ centres (z, y, x: up, back, left) from the brain stem's, measured in one patient, made symmetric."""

FEWEST_REFERENCES = 3
"""A position is inferred from at least this many other organs: a single one may be a false positive."""


def model_window(
    model: ModelSpec,
    ct: Volume,
    head: tuple[float, float],
    labels: Mapping[str, NDArray[np.uint8]],
    organs: Iterable[BundleOrgan],
    spacing: Center | None = None,
) -> tuple[Window | None, list[Warning]]:
    """The box of a canonical CT that ``model`` sees, and doubts about it; None when the box has no place.

    It holds at least the model's patch and may reach beyond the CT (views.py). head: row and column of the
    head's centre (head_place.py). labels: organ ids ``[z, y, x]`` on the CT's grid from the models that ran
    before. organs: all of the bundle's. spacing: mm of the voxels that the model counts, None for the CT's
    own.
    """
    given, patch = ct.geometry.spacing_zyx, model.network.patch
    if model.roi is None:
        window = axial_window(model.crop, patch, len(ct.array), head, given, spacing)
        return grown(window, patch_voxels(patch, given, spacing)), []
    roi = model.roi if spacing is None else _on_grid(model.roi, spacing, given)
    box, doubts = _small_organ_window(roi, ct, labels[roi.from_model], organs)
    return None if box is None else grown(box, patch_voxels(patch, given, spacing)), doubts


def _on_grid(roi: SmallOrganRoi, spacing: Center, given: Center) -> SmallOrganRoi:
    """The box counted in the CT's own voxels."""
    z, y, x = shape_at(roi.size_zyx, spacing, given)
    return replace(roi, size_zyx=(z, y, x))


def robust_center(
    labels: NDArray[np.uint8], ids: Iterable[int], size_zyx: tuple[int, int, int]
) -> Center | None:
    """Centroid of the voxels that carry ``ids``; None without any.

    Voxels outside a box of ``size_zyx`` around the median voxel are outliers and do not count.
    """
    wanted = list(ids)
    points = np.nonzero(np.isin(labels, wanted))
    if not points[0].size:
        return None
    median = (float(np.median(points[0])), float(np.median(points[1])), float(np.median(points[2])))
    box = roi_window(median, size_zyx, (labels.shape[0], labels.shape[1], labels.shape[2]))
    z, y, x = (
        part.start + float(along.mean())
        for part, along in zip(box, np.nonzero(np.isin(labels[box], wanted)), strict=True)
    )
    return z, y, x


def inferred_center(
    labels: NDArray[np.uint8],
    names: Mapping[int, str],
    targets: Iterable[str],
    spacing_zyx: tuple[float, float, float],
) -> Center | None:
    """Where ``targets`` should lie, from the positions of the other organs in ``labels``.

    Every organ found votes for its own centre plus its typical distance to the targets; the median counts.
    None with fewer than three votes, or for targets whose typical position is unknown.
    """
    known = [TYPICAL_POSITION_MM[name] for name in targets if name in TYPICAL_POSITION_MM]
    if not known:
        return None
    target = np.mean(known, axis=0)
    votes = []
    for organ, name in names.items():
        if name in TYPICAL_POSITION_MM:
            points = np.nonzero(labels == organ)
            if points[0].size:
                center = np.array([float(np.median(axis)) for axis in points])
                votes.append(center + (target - np.array(TYPICAL_POSITION_MM[name])) / np.array(spacing_zyx))
    if len(votes) < FEWEST_REFERENCES:
        return None
    z, y, x = np.median(votes, axis=0)
    return float(z), float(y), float(x)


def _small_organ_window(
    roi: SmallOrganRoi, ct: Volume, labels: NDArray[np.uint8], organs: Iterable[BundleOrgan]
) -> tuple[Window | None, list[Warning]]:
    shape = ct.geometry.shape
    wanted = " and ".join(organ.name for organ in roi.organs)
    center = robust_center(labels, [organ.id for organ in roi.organs], roi.size_zyx)
    if center is not None:
        return roi_window(center, roi.size_zyx, shape), []
    names = {organ.id: organ.name for organ in organs}
    center = inferred_center(labels, names, [organ.name for organ in roi.organs], ct.geometry.spacing_zyx)
    if center is not None and all(
        -0.5 <= place <= size - 0.5 for place, size in zip(center, shape, strict=True)
    ):
        message = (
            f"The model {roi.from_model} found no {wanted}; where to look was inferred from other organs."
        )
        return roi_window(center, roi.size_zyx, shape), [Warning("roi_inferred", message)]
    message = f"Neither {wanted} nor organs that tell where they lie were found; their labels are empty."
    return None, [Warning("roi_not_found", message)]

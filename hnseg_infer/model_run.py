"""One model of a bundle on one CT: its window, at its spacing, to labels on the CT's grid.

Arrays are ``[z, y, x]`` in canonical orientation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.bundle import ModelSpec
from hnseg_infer.loaded_bundle import LoadedBundle
from hnseg_infer.preprocessing import Window, normalized, tissue_box
from hnseg_infer.progress import TileProgress
from hnseg_infer.resampling import Spacing, organ_labels, resample, shape_at
from hnseg_infer.volume import Volume


@dataclass(frozen=True)
class ModelResult:
    """labels: organ ids. entropy: mean bits of the voxels that the model gave each organ that it found."""

    labels: NDArray[np.uint8]
    entropy: Mapping[int, float]


def nothing_found(ct: Volume) -> ModelResult:
    """The result of a model that was not run."""
    return ModelResult(np.zeros(ct.array.shape, np.uint8), {})


def run_model(
    model: ModelSpec,
    loaded: LoadedBundle,
    ct: Volume,
    window: Window,
    slices: slice,
    spacing: Spacing | None,
    progress: TileProgress | None = None,
) -> ModelResult:
    """The model's organs, 0 outside its window and outside the axial ``slices`` that may hold organs.

    Normalisation and network see the window alone, resampled to ``spacing`` (mm) unless that is None; tiles
    without any of the slices are left out, and a model of whole CTs has its tiles around the patient.
    """
    labels = np.zeros(ct.array.shape, np.uint8)
    hu, region = ct.array[window], organ_region(model, ct, window, slices)
    at_spacing = hu if spacing is None else resample(hu, shape_at(hu.shape, ct.geometry.spacing_zyx, spacing))
    image = normalized(at_spacing, model.network.hu_window)
    part = _rescaled(region, hu.shape, image.shape)
    seen = seen_part(part, model.network.patch, image.shape)
    shown = image[seen], _within(seen, part), progress
    if spacing is None:
        found = loaded.labellers[model.name](*shown)
        classes, entropy = np.zeros(hu.shape, np.uint8), found.entropy
        classes[seen] = found.labels
    else:
        ranked = loaded.ranker(model.name)(*shown)
        classes, entropy = organ_labels(ranked.placed(seen, image.shape), hu.shape), ranked.entropy
        classes[: region[0].start] = classes[region[0].stop :] = 0
    labels[window] = np.array(model.organ_ids, np.uint8)[classes]
    by_organ = zip(model.organ_ids, entropy, strict=True)
    return ModelResult(labels, {organ: float(bits) for organ, bits in by_organ if organ and bits >= 0})


def organ_region(model: ModelSpec, ct: Volume, window: Window, slices: slice) -> Window:
    """The part of a model's window that can hold organs, counted from the window's first voxel.

    It lies in the axial slices and, for a model of whole CTs, around the patient.
    """
    z, y, x = window
    start = min(max(slices.start, z.start), z.stop)
    depth = slice(start - z.start, max(min(slices.stop, z.stop), start) - z.start)
    if model.crop == "whole":
        return depth, *tissue_box(ct.array[window][depth], ct.geometry.spacing_zyx)
    return depth, slice(0, y.stop - y.start), slice(0, x.stop - x.start)


def seen_part(region: Window, patch: Sequence[int], shape: Sequence[int]) -> Window:
    """All slices of an image, of which tiles cover the region's rows and columns: as few tiles as can be."""
    rows, columns = (
        _at_least(size, part, extent)
        for size, part, extent in zip(patch[-2:], region[1:], shape[1:], strict=True)
    )
    return slice(0, shape[0]), rows, columns


def _at_least(size: int, part: slice, extent: int) -> slice:
    """The part grown evenly to ``size`` voxels, moved inside the extent and no longer than it."""
    size = min(max(size, part.stop - part.start), extent)
    start = min(max((part.start + part.stop - size) // 2, 0), extent - size)
    return slice(start, start + size)


def _within(seen: Window, region: Window) -> Window:
    """The region counted from the first voxel seen."""
    z, y, x = (
        slice(part.start - view.start, part.stop - view.start)
        for part, view in zip(region, seen, strict=True)
    )
    return z, y, x


def _rescaled(region: Window, shape: Sequence[int], other: Sequence[int]) -> Window:
    """The voxels of a grid of another shape over the same extent that the region touches."""
    z, y, x = (
        slice(part.start * new // old, -(-part.stop * new // old))
        for part, old, new in zip(region, shape, other, strict=True)
    )
    return z, y, x

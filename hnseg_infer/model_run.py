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
from hnseg_infer.views import clipped, cut, uncut, within
from hnseg_infer.volume import Volume


@dataclass(frozen=True)
class ModelResult:
    """labels: organ ids. entropy: mean bits of the voxels that the model gave each organ that it found."""

    labels: NDArray[np.uint8]
    entropy: Mapping[int, float]


@dataclass(frozen=True)
class ModelView:
    """What a model sees of a CT.

    image: normalised, at the model's spacing. seen: the part of it that tiles cover. region: the part of that
    outside which all is background. scanned: the part of the image that is the CT; the rest is air.
    inside: the same part in the CT's own voxels.
    """

    image: NDArray[np.float32]
    seen: Window
    region: Window
    scanned: Window
    inside: Window


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
    view = model_view(model, ct, window, slices, spacing)
    shown = view.image[view.seen], view.region, progress
    labels = np.zeros(ct.array.shape, np.uint8)
    part = labels[view.inside]
    ids = np.array(model.organ_ids, np.uint8)
    if spacing is None:
        found = loaded.labellers[model.name](*shown)
        part[:], entropy = ids[uncut(found.labels, view.seen, view.image.shape)[view.scanned]], found.entropy
    else:
        ranked = loaded.ranker(model.name)(*shown)
        entropy = ranked.entropy
        scanned = ranked.placed(view.seen, view.image.shape).cropped(view.scanned)
        depth = organ_region(model, ct, window, slices)[0]
        part[depth] = ids[organ_labels(scanned, part.shape)[depth]]
    by_organ = zip(model.organ_ids, entropy, strict=True)
    return ModelResult(labels, {organ: float(bits) for organ, bits in by_organ if organ and bits >= 0})


def model_view(
    model: ModelSpec, ct: Volume, window: Window, slices: slice, spacing: Spacing | None
) -> ModelView:
    """What a model sees of its window, as in ``run_model``.

    The z-score counts the air beside the CT but not above and below it: of these, only what was scanned.
    """
    given = ct.geometry.spacing_zyx
    inside = clipped(window, ct.array.shape)
    hu = ct.array[inside]
    scanned = hu if spacing is None else resample(hu, shape_at(hu.shape, given, spacing))
    frame = rescaled_frame(window, inside, given, spacing or given, scanned.shape)
    shown = cut(scanned, frame)
    z, y, x = (slice(-part.start, size - part.start) for part, size in zip(frame, scanned.shape, strict=True))
    image = normalized(shown, model.network.hu_window, shown[z])
    region = _rescaled(organ_region(model, ct, window, slices), hu.shape, scanned.shape)
    region = within(frame, region)
    seen = within(frame, frame)
    if model.crop == "whole":
        seen = seen_part(region, model.network.patch, image.shape)
    return ModelView(image, seen, within(seen, region), (z, y, x), inside)


def rescaled_frame(
    window: Window, inside: Window, given: Spacing, wanted: Spacing, scanned: Sequence[int]
) -> Window:
    """The window on a grid of ``wanted`` mm, counted from the first voxel of the part inside the CT.

    scanned: how many voxels that part has there.
    """
    z, y, x = (
        slice(-before, max(round((outer.stop - outer.start) * mm / new) - before, size))
        for outer, mm, new, size, before in (
            (outer, mm, new, size, round((inner.start - outer.start) * mm / new))
            for outer, inner, mm, new, size in zip(window, inside, given, wanted, scanned, strict=True)
        )
    )
    return z, y, x


def organ_region(model: ModelSpec, ct: Volume, window: Window, slices: slice) -> Window:
    """The part of a model's window that can hold organs, counted from its first voxel inside the CT.

    It lies in the axial slices and, for a model of whole CTs, around the patient.
    """
    z, y, x = clipped(window, ct.array.shape)
    start = min(max(slices.start, z.start), z.stop)
    depth = slice(start - z.start, max(min(slices.stop, z.stop), start) - z.start)
    if model.crop == "whole":
        return depth, *tissue_box(ct.array[z, y, x][depth], ct.geometry.spacing_zyx)
    return depth, slice(0, y.stop - y.start), slice(0, x.stop - x.start)


def seen_part(region: Window, patch: Sequence[int], shape: Sequence[int]) -> Window:
    """All slices of an image, and the rows and columns that tiles cover: the region in as few as can be.

    A single tile lies as near to the middle of the image as it can holding the region.
    """
    rows, columns = (
        _at_least(size, part, extent)
        for size, part, extent in zip(patch[-2:], region[1:], shape[1:], strict=True)
    )
    return slice(0, shape[0]), rows, columns


def _at_least(size: int, part: slice, extent: int) -> slice:
    """The part, or where that is shorter ``size`` voxels around it, nearest to the middle of the extent."""
    size = min(max(size, part.stop - part.start), extent)
    start = min(max((extent - size) // 2, part.stop - size), part.start)
    return slice(start, start + size)


def _rescaled(region: Window, shape: Sequence[int], other: Sequence[int]) -> Window:
    """The voxels of a grid of another shape over the same extent that the region touches."""
    z, y, x = (
        slice(part.start * new // old, -(-part.stop * new // old))
        for part, old, new in zip(region, shape, other, strict=True)
    )
    return z, y, x

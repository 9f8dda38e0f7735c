"""One model of a bundle on one CT: its window, at its spacing, to labels on the CT's grid.

Arrays are ``[z, y, x]`` in canonical orientation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.bundle import ModelSpec
from hnseg_infer.loaded_bundle import LoadedBundle
from hnseg_infer.preprocessing import Window, z_score
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

    z-score and network see the window alone, resampled to ``spacing`` (mm) unless that is None; tiles without
    any of the slices are left out.
    """
    labels = np.zeros(ct.array.shape, np.uint8)
    hu, region = ct.array[window], _inside(window, slices)
    if spacing is None:
        found = loaded.labellers[model.name](z_score(hu), region, progress)
        classes, entropy = found.labels, found.entropy
    else:
        coarse = z_score(resample(hu, shape_at(hu.shape, ct.geometry.spacing_zyx, spacing)))
        part = _rescaled(region, hu.shape, coarse.shape)
        ranked = loaded.ranker(model.name)(coarse, part, progress)
        classes, entropy = organ_labels(ranked, hu.shape), ranked.entropy
        classes[: region[0].start] = classes[region[0].stop :] = 0
    labels[window] = np.array(model.organ_ids, np.uint8)[classes]
    by_organ = zip(model.organ_ids, entropy, strict=True)
    return ModelResult(labels, {organ: float(bits) for organ, bits in by_organ if organ and bits >= 0})


def _inside(window: Window, slices: slice) -> Window:
    """The part of a window that lies in the axial slices, counted from the window's first voxel."""
    z, y, x = window
    start = min(max(slices.start, z.start), z.stop)
    stop = max(min(slices.stop, z.stop), start)
    return (
        slice(start - z.start, stop - z.start),
        slice(0, y.stop - y.start),
        slice(0, x.stop - x.start),
    )


def _rescaled(region: Window, shape: Sequence[int], other: Sequence[int]) -> Window:
    """The voxels of a grid of another shape over the same extent that the region touches."""
    z, y, x = (
        slice(part.start * new // old, -(-part.stop * new // old))
        for part, old, new in zip(region, shape, other, strict=True)
    )
    return z, y, x

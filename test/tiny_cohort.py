"""A few patients made of ellipsoids in StructSeg's layout, small enough to train on in a test."""

from pathlib import Path

import numpy as np
from labelled_head import labelled_head

from hnseg_infer.formats import write
from hnseg_infer.volume import Geometry, Volume

KEPT = (slice(6, 54), slice(16, 272, 2), slice(16, 272, 2))
"""What is kept of the head's grid: the body, every second row and column, 48 x 128 x 128 voxels."""

SPACING_XYZ = (2.6, 2.6, 4.0)


def write_cohort(folder: Path, cases: int, spacing_xyz: tuple[float, float, float] = SPACING_XYZ) -> Path:
    """Write patients case_1, ...: one head, moved by whole voxels and seen through its own noise."""
    ct, labels = labelled_head()
    for number in range(1, cases + 1):
        shift = (0, 2 * (number - 3), 4 * (number - 3))
        noise = np.random.default_rng(number).normal(0, 10, ct.array.shape)
        hu = np.clip(np.roll(ct.array, shift, (0, 1, 2)) + noise, -1024, 3071).astype(np.int16)
        moved = np.roll(labels.array, shift, (0, 1, 2))
        (folder / f"case_{number}").mkdir(parents=True)
        for array, name in ((hu, "data.nii.gz"), (moved, "label.nii.gz")):
            part = np.ascontiguousarray(array[KEPT])
            shape = (part.shape[0], part.shape[1], part.shape[2])
            geometry = Geometry(shape, spacing_xyz, (0.0, 0.0, 0.0), ct.geometry.direction)
            write(Volume(part, geometry), folder / f"case_{number}" / name)
    return folder

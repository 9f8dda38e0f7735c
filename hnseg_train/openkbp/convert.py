"""One OpenKBP patient: which organs were contoured, and their StructSeg labels."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.errors import InputError
from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_infer.organs import STRUCTSEG_ORGANS, side_of
from hnseg_infer.volume import Geometry, Volume, from_canonical, to_canonical
from hnseg_train.cohort_check.anatomy import MEASURED_CM3, VOLUME_FACTOR
from hnseg_train.contoured import CONTOURED_FILE
from hnseg_train.openkbp.midline import left_half

OPENKBP_ORGANS = {1: "brain_stem", 2: "spinal_cord", 3: "parotid_left", 4: "parotid_right"}
"""Label value in OpenKBP's files to the organ here; a value that a file lacks was not contoured."""

OPENKBP_MANDIBLE = 5
"""Both sides of the mandible."""

MANDIBLES = ("mandible_left", "mandible_right")

MIDDLE = ("brain_stem", "spinal_cord")
"""Organs in the middle, which tell left from right where one parotid alone was contoured."""


def structseg_labels(given: Volume, name: str) -> tuple[Volume, tuple[str, ...]]:
    """StructSeg's labels on the same grid from OpenKBP's, and the names of the organs that were contoured.

    A mandible that has no two sides counts as not contoured, and so does an organ of an impossible volume.

    name: the patient's, for errors. Raises InputError for values that OpenKBP does not have, a file without
    any organ, and a parotid on the other side.
    """
    canonical = to_canonical(given)
    values = canonical.array
    unknown = set(np.unique(values).tolist()) - {0, OPENKBP_MANDIBLE, *OPENKBP_ORGANS}
    if unknown:
        raise InputError(f"The labels of {name} hold the value {min(unknown)}; OpenKBP has 0 to 5.")
    masks = {organ: values == value for value, organ in OPENKBP_ORGANS.items()}
    mandible = values == OPENKBP_MANDIBLE
    left = _left_half(mandible, canonical.geometry.spacing_zyx)
    if left is not None:
        masks |= dict(zip(MANDIBLES, (left, mandible & ~left), strict=True))
    masks = {organ: mask for organ, mask in masks.items() if _plausible(organ, mask, canonical.geometry)}
    if not masks:
        raise InputError(f"The labels of {name} hold no organ.")
    _check_sides(masks, name)
    ids = {organ.name: organ.id for organ in STRUCTSEG_ORGANS}
    labels = np.zeros(values.shape, np.uint8)
    for organ, mask in masks.items():
        labels[mask] = ids[organ]
    contoured = tuple(organ for organ in ids if organ in masks)
    return from_canonical(labels, given.geometry), contoured


def write_case(ct: Path, labels: Path, folder: Path) -> tuple[str, ...]:
    """Write data.nii.gz, label.nii.gz and contoured.json into a folder; returns the contoured organs."""
    converted, contoured = structseg_labels(read_labels(labels), labels.name)
    folder.mkdir(parents=True, exist_ok=True)
    write(read_ct(ct), folder / "data.nii.gz")
    write(converted, folder / "label.nii.gz")
    (folder / CONTOURED_FILE).write_text(json.dumps({"organs": contoured}) + "\n", encoding="utf-8")
    return contoured


def _plausible(organ: str, mask: NDArray[np.bool_], geometry: Geometry) -> bool:
    """Whether there is a contour, and of a volume that the organ can have; what the CT cuts off may be small.

    Three patients have cords of 400 cm3 and more, which are other structures, and four a fifth of a brain
    stem.
    """
    low, high = MEASURED_CM3[side_of(organ)[0]]
    volume = np.count_nonzero(mask) * geometry.voxel_cm3
    if volume == 0 or volume > high * VOLUME_FACTOR:
        return False
    ends = (mask.take((0, -1), axis).any() for axis in range(3))
    return bool(volume >= low / VOLUME_FACTOR) or any(ends)


def _left_half(mask: NDArray[np.bool_], spacing_zyx: tuple[float, float, float]) -> NDArray[np.bool_] | None:
    """``left_half``, worked out in the mask's own box."""
    half = np.zeros_like(mask)
    if mask.any():
        z, y, x = (slice(int(where.min()), int(where.max()) + 1) for where in np.nonzero(mask))
        inside = left_half(mask[z, y, x], spacing_zyx)
        if inside is None:
            return None
        half[z, y, x] = inside
    return half


def _check_sides(masks: Mapping[str, NDArray[np.bool_]], name: str) -> None:
    across = {organ: float(np.argwhere(mask)[:, 2].mean()) for organ, mask in masks.items()}
    middle = next((across[organ] for organ in MIDDLE if organ in across), None)
    left, right = across.get("parotid_left", middle), across.get("parotid_right", middle)
    parotids = {"parotid_left", "parotid_right"} & masks.keys()
    if parotids and left is not None and right is not None and left <= right:
        raise InputError(f"The parotids of {name} lie on the wrong sides; its axes may be mirrored.")

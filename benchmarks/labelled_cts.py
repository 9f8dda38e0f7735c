"""CTs with contoured organs at risk: generated, real, painted from contours, and all of them made longer.

Arrays are canonical ``[z, y, x]``, labels uint8, 0 where no organ at risk is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.volume import Volume, to_canonical
from hnseg_train.phantom import generate

BRAIN_STEM, SPINAL_CORD = 1, 20

CORD_MM = 495.0
"""From the brain stem's lower end to the spinal cord's: the longest of the 35 contoured planning CTs."""

_REPEATED_MM = 60.0
"""Of trunk at the lower end of a CT, what a longer one repeats; in all of them it is below the neck."""

_CONTOURED_BRAIN = 23
_NO_ORGAN_AT_RISK = (_CONTOURED_BRAIN, 28, 29, 30)
"""Codes of the contours for brain, spinal canal and lungs."""


@dataclass(frozen=True)
class LabelledCT:
    """HU and labels on one grid; spacing (z, y, x) mm."""

    name: str
    hu: NDArray[np.number]
    labels: NDArray[np.uint8]
    spacing: tuple[float, float, float]


def generated(seed: int, cases: int) -> Iterable[LabelledCT]:
    """Patients 1 to ``cases`` of one series."""
    for case in range(1, cases + 1):
        patient = generate(seed, case)
        yield _on_one_grid(f"patient {case}", patient.ct, patient.labels)


def planning_cts(data: Path) -> Iterable[LabelledCT]:
    """The two real CTs at full resolution with their draft contours of all 22 organs."""
    for path in (data / "ct" / "head_neck_dicom", data / "ct" / "head_neck_shoulders.nii.gz"):
        name = path.name.removesuffix(".nii.gz")
        labels = read_labels(data / "atlas" / f"{name}_label.nii.gz")
        yield _on_one_grid(name, read_ct(path), labels)


def openkbp(data: Path) -> Iterable[LabelledCT]:
    """Real radiotherapy CTs at low resolution with clinical contours; parts of many are blanked out."""
    for path in sorted((data / "openkbp").glob("*_ct.nii.gz")):
        labels = read_labels(path.with_name(path.name.replace("_ct.", "_lab.")))
        yield _on_one_grid(path.name.removesuffix("_ct.nii.gz"), read_ct(path), labels)


def painted(data: Path) -> Iterable[LabelledCT]:
    """Contours of real CTs whose image is not at hand, painted: a brain in a skull, other organs muscle."""
    for path in sorted((data / "organ_masks").glob("*.nii.gz")):
        volume = to_canonical(read_labels(path))
        contours = volume.array[:, ::2, ::2]
        slices, rows, columns = volume.geometry.spacing_zyx
        brain = contours == _CONTOURED_BRAIN
        # the contoured brain lacks the brain stem
        brain |= (contours == BRAIN_STEM) & brain.any(axis=(1, 2))[:, None, None]
        hu = np.where(contours > 0, 40, -1000).astype(np.int16)
        skull = ndimage.binary_dilation(brain, np.ones((1, 3, 3)), iterations=4)
        hu[skull] = 800
        hu[brain] = 35
        labels = np.where(np.isin(contours, _NO_ORGAN_AT_RISK), 0, contours).astype(np.uint8)
        yield LabelledCT(path.name.removesuffix(".nii.gz"), hu, labels, (slices, 2 * rows, 2 * columns))


def extended(ct: LabelledCT, slices: int) -> LabelledCT:
    """The CT with its lowest trunk repeated downwards, to and fro, until it has so many slices.

    The spinal cord goes on to ``CORD_MM`` below the brain stem, longer than any patient's here.
    """
    height = ct.spacing[0]
    repeated = round(_REPEATED_MM / height)
    added = max(0, slices - len(ct.hu))
    below = np.pad(np.arange(repeated), (added, 0), mode="symmetric")[:added]
    order = np.concatenate([below, np.arange(len(ct.hu))])
    labels = ct.labels[order]
    stem = int(np.flatnonzero((labels == BRAIN_STEM).any(axis=(1, 2)))[0])
    labels[: max(0, stem - round(CORD_MM / height))] = 0
    name = f"{ct.name}, {len(order) * height:.0f} mm"
    return LabelledCT(name, ct.hu[order], labels, ct.spacing)


def _on_one_grid(name: str, ct: Volume, labels: Volume) -> LabelledCT:
    canonical = to_canonical(ct)
    return LabelledCT(name, canonical.array, to_canonical(labels).array, canonical.geometry.spacing_zyx)

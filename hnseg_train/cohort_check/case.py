"""One case: both files read once, and everything that is wrong with them.

Arrays are canonical ``[z, y, x]`` from the moment a file is read.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.alignment import on_one_grid
from hnseg_infer.checks import NOT_IN_VIEW, check_ct
from hnseg_infer.errors import InputError
from hnseg_infer.formats import read_ct
from hnseg_infer.head_place import head_center
from hnseg_infer.preprocessing import Window
from hnseg_infer.report import Warning
from hnseg_infer.views import axial_window
from hnseg_infer.volume import Array, Volume, to_canonical
from hnseg_train.cohort_check.findings import ERROR, WARNING, CaseCheck, OrganFacts, Problem
from hnseg_train.cohort_check.label_map import organ_labels
from hnseg_train.cohort_check.measure import organ_facts
from hnseg_train.cohort_check.plausibility import implausible
from hnseg_train.contoured import CONTOURED_FILE, uncontoured

CT_FILE, LABEL_FILE = "data.nii.gz", "label.nii.gz"


@dataclass(frozen=True)
class Rules:
    """The organ table (name by label value), and the 3D-small model's organs and its box in voxels.

    contoured: the organs that were contoured in cases that do not say which, None for all.
    """

    organs: Mapping[int, str]
    small_organs: Sequence[str]
    roi_size_zyx: tuple[int, int, int]
    contoured: Sequence[str] | None = None


def check_case(folder: Path, rules: Rules) -> CaseCheck:
    """Everything about ``folder/data.nii.gz`` and ``folder/label.nii.gz`` that one case shows by itself."""
    stored_ct, problems = _read(folder, CT_FILE, "ct")
    stored_labels, more = _read(folder, LABEL_FILE, "label")
    problems += more
    ct, more = (None, []) if stored_ct is None else _checked(stored_ct)
    problems += more
    misplaced = _misplaced(stored_ct, stored_labels)
    problems += misplaced
    facts: list[OrganFacts] = []
    labels = None
    if stored_labels is not None:
        labels, more = organ_labels(stored_labels.array, rules.organs, LABEL_FILE)
        problems += more
        hu = ct.array if ct is not None and not misplaced else None
        window = None if hu is None else _head_window(hu, stored_labels.geometry.spacing_zyx)
        facts = organ_facts(labels, stored_labels.geometry, rules.organs, hu, window)
        problems += [*_coverage(facts, rules), *implausible(facts)]
    unknown, more = _uncontoured(folder, rules, facts)
    problems += more
    geometry = None if stored_ct is None else stored_ct.geometry
    return CaseCheck(
        name=folder.name,
        size_xyz=None if geometry is None else (geometry.shape[2], geometry.shape[1], geometry.shape[0]),
        spacing_xyz=None if geometry is None else geometry.spacing,
        organs=tuple(facts),
        problems=tuple(problems),
        ct_fingerprint=None if stored_ct is None else _fingerprint((stored_ct if ct is None else ct).array),
        label_fingerprint=_fingerprint(labels) if labels is not None and facts else None,
        uncontoured=unknown,
    )


def _head_window(hu: Array, spacing: tuple[float, float, float]) -> Window:
    """What a 3D model sees whatever its patch; a wide patch shows more."""
    return axial_window("head_window", (1, 1), len(hu), head_center(hu, spacing), spacing)


def _uncontoured(
    folder: Path, rules: Rules, facts: Sequence[OrganFacts]
) -> tuple[tuple[str, ...], list[Problem]]:
    """The organs that nobody contoured, and what speaks against that."""
    try:
        unknown = uncontoured(folder, list(rules.organs.values()), rules.contoured)
    except InputError as error:
        return (), [Problem("contoured_file", ERROR, str(error))]
    there = tuple(fact.name for fact in facts if fact.name in unknown)
    if not there:
        return unknown, []
    message = f"{CONTOURED_FILE} does not name {', '.join(there)}, which the labels hold."
    return unknown, [Problem("contoured_file", ERROR, message, there)]


def _read(folder: Path, name: str, kind: str) -> tuple[Volume | None, list[Problem]]:
    """The file's voxels as stored, in canonical orientation, or why there are none."""
    path = folder / name
    if path.is_symlink() and not os.path.exists(path):
        return None, [Problem(f"missing_{kind}", ERROR, f"{name} is a link to a file that is not there.")]
    if not os.path.exists(path):
        others = sorted(item.name for item in folder.iterdir())[:5]
        message = f"There is no {name}; the folder holds {', '.join(others)}."
        return None, [Problem(f"missing_{kind}", ERROR, message)]
    try:
        return to_canonical(read_ct(path)), []
    except InputError as error:
        return None, [Problem(f"unreadable_{kind}", ERROR, str(error))]


def _checked(stored: Volume) -> tuple[Volume | None, list[Problem]]:
    """The CT in HU, None when it cannot be one, and what is wrong with it."""
    try:
        ct, warnings = check_ct(stored, CT_FILE)
    except InputError as error:
        return None, [Problem("not_a_ct", ERROR, str(error))]
    return ct, [Problem(found.code, WARNING, _about_training(found)) for found in warnings]


def _misplaced(ct: Volume | None, labels: Volume | None) -> list[Problem]:
    """A problem when both files are there and do not lie on one grid."""
    if ct is not None and labels is not None:
        try:
            on_one_grid(ct, labels, (CT_FILE, LABEL_FILE))
        except InputError as error:
            return [Problem("geometry_mismatch", ERROR, str(error))]
    return []


def _about_training(found: Warning) -> str:
    """What check_ct says of a CT to be segmented, said of one to be trained on."""
    if found.code == NOT_IN_VIEW:
        return "Neither a head nor a neck was found in the CT; in use, no network would look at it."
    return found.message


def _coverage(facts: Sequence[OrganFacts], rules: Rules) -> Iterator[Problem]:
    """What the 3D and the 3D-small model would not see of this case's organs."""
    outside = [organ for organ in facts if organ.outside_window]
    if outside:
        listed = "; ".join(f"{organ.name} {organ.outside_window} of {organ.voxels}" for organ in outside)
        message = f"Voxels outside the 3D model's view of the head, which it may never see: {listed}."
        yield Problem("outside_crop", WARNING, message, tuple(organ.name for organ in outside))
    small = [organ for organ in facts if organ.name in rules.small_organs]
    if not small:
        return
    boxes = zip(*(organ.box for organ in small), strict=True)
    size = [max(part.stop for part in axis) - min(part.start for part in axis) for axis in boxes]
    if any(extent > limit for extent, limit in zip(size, rules.roi_size_zyx, strict=True)):
        names = tuple(organ.name for organ in small)
        message = (
            f"Together, {' and '.join(names)} span {_by(size[::-1])} voxels (x, y, z), more than the "
            f"3D-small model's box of {_by(rules.roi_size_zyx[::-1])}."
        )
        yield Problem("larger_than_roi", WARNING, message, names)


def _fingerprint(array: Array | NDArray[np.uint8]) -> str:
    digest = hashlib.blake2b(repr(array.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _by(numbers: Sequence[int]) -> str:
    return " x ".join(str(number) for number in numbers)

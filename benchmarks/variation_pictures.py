"""What new patients made out of one labelled CT look like: a contact sheet.

    python benchmarks/variation_pictures.py CT LABELS --out PNG [--count 8] [--seed 1]

The given patient comes first. Each gets an axial plane at the eyes, one at the ears in a bone window, and a
sagittal one through the brain stem. The patient's left is on the right, anterior on the left or top.
"""

import argparse
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.alignment import on_one_grid
from hnseg_infer.files import write_whole
from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.organ_names import STRUCTSEG_NAMES, label_color
from hnseg_infer.preview.panels import WINDOW_HU, Frame, draw_panel
from hnseg_infer.volume import Array, Volume, to_canonical
from hnseg_train.recipes import STRUCTSEG
from hnseg_train.variation import vary
from hnseg_train.variation.landmarks import head_centre, label_boxes, organ_values

if TYPE_CHECKING:
    from PIL.Image import Image

BONE_HU = (-500.0, 1500.0)
"""Window of the plane at the ears: width 2000, centre 500."""

WIDTH_MM, HEIGHT_MM = 240.0, 270.0
"""Of every plane, and the height of the sagittal one."""

BEHIND_MM = 20.0
"""How far behind the organs the middle of a plane lies."""

GAP = 6
"""Pixels between pictures."""

PATIENTS_A_ROW = 3

_COLORS = {value: label_color(value, name) for value, name in STRUCTSEG_NAMES.items()}


def main() -> int:
    """Vary, draw, write; the time of each variant goes to the standard output."""
    parser = argparse.ArgumentParser(description="A contact sheet of variants of a labelled CT.")
    parser.add_argument("ct", type=Path, help="CT, as a file or a folder of DICOM files")
    parser.add_argument("labels", type=Path, help="labels 1 to 22 on the same grid")
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    parser.add_argument("--count", type=int, default=8, help="variants (default 8)")
    parser.add_argument("--seed", type=int, default=1, help="of the variants (default 1)")
    arguments = parser.parse_args()
    given, labelled = on_one_grid(
        to_canonical(read_ct(arguments.ct)),
        to_canonical(read_labels(arguments.labels)),
        (str(arguments.ct), str(arguments.labels)),
    )
    labels = labelled.array.astype(np.uint8)
    rows = [patient_row(given, labels, "given")]
    for number in range(1, arguments.count + 1):
        start = perf_counter()
        ct, varied = vary(given, labels, STRUCTSEG, np.random.default_rng((arguments.seed, number)))
        depth, height, width = ct.array.shape
        print(f"variant {number}: {perf_counter() - start:.1f} s, {depth} x {height} x {width} voxels")
        rows.append(patient_row(ct, varied, f"variant {number}"))
    png = BytesIO()
    contact_sheet(rows).save(png, format="PNG")
    write_whole(arguments.out, [png.getvalue()])
    return 0


def patient_row(ct: Volume, labels: NDArray[np.uint8], title: str) -> "Image":
    """Three planes of one patient side by side. ct, labels: canonical ``[z, y, x]`` on one grid."""
    z, y, x = head_centre(ct, labels)
    dz, dy, dx = ct.geometry.spacing_zyx
    # organs at risk lie in the front of the head
    y += BEHIND_MM
    axial = Frame(y - WIDTH_MM / 2, x - WIDTH_MM / 2, WIDTH_MM, WIDTH_MM)
    eyes, ears = _middle(labels, "eye", 0), _middle(labels, "inner_ear", 0)
    stem = _middle(labels, "brain_stem", 2)
    eyes = round(z / dz) if eyes is None else eyes
    ears = round(z / dz) if ears is None else ears
    stem = round(x / dx) if stem is None else stem
    # the upright plane runs from superior to inferior, against the array's first axis
    top = (ct.array.shape[0] - 1) * dz - z - 0.45 * HEIGHT_MM
    upright = Frame(top, y - WIDTH_MM / 2, HEIGHT_MM, WIDTH_MM)
    pictures = [
        draw_panel(ct.array[eyes], labels[eyes], (dy, dx), axial, _COLORS),
        draw_panel(_as_soft(ct.array[ears]), labels[ears], (dy, dx), axial, _COLORS),
        draw_panel(ct.array[::-1, :, stem], labels[::-1, :, stem], (dz, dy), upright, _COLORS),
    ]
    return _beside(pictures, title)


def contact_sheet(rows: Sequence["Image"]) -> "Image":
    """All patients below and beside each other, in reading order."""
    from PIL import Image

    width, height = rows[0].size
    across = min(PATIENTS_A_ROW, len(rows))
    sheet = Image.new("RGB", (across * (width + GAP), -(-len(rows) // across) * (height + GAP)), "white")
    for number, row in enumerate(rows):
        sheet.paste(row, (number % across * (width + GAP), number // across * (height + GAP)))
    return sheet


def _middle(labels: NDArray[np.uint8], stem: str, axis: int) -> int | None:
    """Middle plane of an organ on both sides along an axis; None when it is not labelled."""
    boxes = label_boxes(labels)
    parts = [boxes[value][axis] for value in organ_values(STRUCTSEG, stem) if value in boxes]
    if not parts:
        return None
    return (min(part.start for part in parts) + max(part.stop for part in parts) - 1) // 2


def _as_soft(hu: Array) -> Array:
    """HU whose bone window looks like the soft-tissue window that planes are drawn in."""
    low, high = WINDOW_HU
    return low + (hu - BONE_HU[0]) * (high - low) / (BONE_HU[1] - BONE_HU[0])


def _beside(pictures: Sequence["Image"], title: str) -> "Image":
    from PIL import Image, ImageDraw

    # half the size: many patients are looked at together
    small = [picture.reduce(2) for picture in pictures]
    row = Image.new("RGB", (sum(image.width for image in small), max(image.height for image in small)))
    left = 0
    for image in small:
        row.paste(image, (left, 0))
        left += image.width
    ImageDraw.Draw(row).text((GAP, row.height - 3 * GAP), title, fill="white")
    return row


if __name__ == "__main__":
    raise SystemExit(main())

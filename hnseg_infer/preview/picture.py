"""One picture of a segmented CT: three axial planes, a coronal and a sagittal one, and a legend.

Axes: arrays are ``[z, y, x]``, here always in canonical order. The pictures follow the
radiological convention: the patient's left is on the right of axial and coronal planes; on the
sagittal one anterior is on the left.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from hnseg_infer import __version__
from hnseg_infer.alignment import on_one_grid
from hnseg_infer.checks import in_hu
from hnseg_infer.files import write_whole
from hnseg_infer.organ_names import STRUCTSEG_NAMES, label_color, label_name
from hnseg_infer.preview.legend import BACKGROUND, FAINT, TEXT, Entry, draw_legend
from hnseg_infer.preview.panels import PIXELS_PER_MM, WINDOW_HU, Color, Frame, draw_panel
from hnseg_infer.preview.planes import Planes, choose_planes, count_by_plane, field_centre
from hnseg_infer.volume import Array, Geometry, Volume

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH_MM = 240.0
"""Width of every plane and height of the axial ones: a head with nose and ears."""

HEIGHT_MM = (200.0, 290.0)
"""Height of the coronal and sagittal planes: the scan's, within these limits."""

GAP = 12
"""Pixels between pictures and around them."""

BAND = 40
"""Height in pixels of the title and of the footer."""

WARNING = (255, 176, 60)


@dataclass(frozen=True)
class _Panel:
    """A finished plane: picture, caption, and the letters at its left and right edge."""

    image: "Image"
    caption: str
    edges: tuple[str, str]


def write_preview(
    ct: Volume,
    labels: Volume,
    path: Path,
    *,
    title: str = "",
    names: Mapping[int, str] = STRUCTSEG_NAMES,
    sources: tuple[str, str] = ("the CT", "the mask"),
) -> None:
    """Draw the preview and write it to ``path`` as PNG: the whole file or none.

    Arguments and errors as in ``draw_preview``.
    """
    image = draw_preview(ct, labels, title=title, names=names, sources=sources)
    png = BytesIO()
    image.save(png, format="PNG")
    write_whole(path, [png.getvalue()])


def draw_preview(
    ct: Volume,
    labels: Volume,
    *,
    title: str = "",
    names: Mapping[int, str] = STRUCTSEG_NAMES,
    sources: tuple[str, str] = ("the CT", "the mask"),
) -> "Image":
    """The preview as RGB picture; equal volumes give equal pixels.

    ct: HU, or what ``segment`` turns into HU. labels: label values 0..255 on the CT's grid, in any
    axis order. names: organ by label value. sources: what an error calls the two. Raises InputError
    when they lie on different grids.
    """
    ct, labels = on_one_grid(ct, labels, sources)
    ct = Volume(in_hu(ct.array, sources[0])[0], ct.geometry)
    counts = count_by_plane(labels.array)
    voxels = counts[0].sum(axis=1)
    values = sorted({*names, *(int(value) for value in voxels.nonzero()[0])})
    entries = [
        Entry(name, label_color(value, name), float(voxels[value]) * labels.geometry.voxel_cm3)
        for value, name in ((value, label_name(value, names)) for value in values)
    ]
    # Large organs first, so that a small one is never hidden.
    order = sorted(zip(values, entries, strict=True), key=lambda item: -item[1].cm3)
    colors = {value: entry.color for value, entry in order}
    field = (_height_mm(ct.geometry), WIDTH_MM, WIDTH_MM)
    centre = field_centre(ct.array, counts, ct.geometry.spacing_zyx, field)
    panels = _draw_planes(
        ct, labels.array, choose_planes(counts, names, ct.geometry.spacing[2]), centre, colors
    )
    return _compose(panels, entries, title)


def _height_mm(geometry: Geometry) -> float:
    low, high = HEIGHT_MM
    return min(max(geometry.shape[0] * geometry.spacing[2], low), high)


def _draw_planes(
    ct: Volume, labels: Array, planes: Planes, centre: tuple[float, float, float], colors: Mapping[int, Color]
) -> list[_Panel]:
    """The axial planes from superior to inferior, the coronal and the sagittal one."""
    dz, dy, dx = ct.geometry.spacing_zyx
    top_mm = (ct.array.shape[0] - 1) * dz
    height = _height_mm(ct.geometry)
    z, y, x = centre
    panels = []
    for index in planes.axial:
        frame = Frame(y - WIDTH_MM / 2, x - WIDTH_MM / 2, WIDTH_MM, WIDTH_MM)
        image = draw_panel(ct.array[index], labels[index], (dy, dx), frame, colors)
        panels.append(_Panel(image, _caption("axial", 0, index, ct.geometry), ("R", "L")))
    # Rows of the upright planes run from superior to inferior, against the array's first axis.
    upright = slice(None, None, -1)
    levels = [top_mm - index * dz for index in planes.axial]
    for name, axis, index, left, step, edges in (
        ("coronal", 1, planes.coronal, x, dx, ("R", "L")),
        ("sagittal", 2, planes.sagittal, y, dy, ("A", "P")),
    ):
        frame = Frame(top_mm - z - height / 2, left - WIDTH_MM / 2, height, WIDTH_MM)
        grey, mask = ct.array.take(index, axis)[upright], labels.take(index, axis)[upright]
        image = draw_panel(grey, mask, (dz, step), frame, colors)
        _mark_levels(image, [(level - frame.top) * PIXELS_PER_MM for level in levels])
        panels.append(_Panel(image, _caption(name, axis, index, ct.geometry), edges))
    return panels


def _caption(name: str, axis: int, index: int, geometry: Geometry) -> str:
    """Name of a plane and where its middle lies in the patient."""
    middle = [(size - 1) / 2 for size in geometry.shape]
    middle[axis] = index
    position = geometry.position((middle[0], middle[1], middle[2]))[2 - axis]
    return f"{name}, {'zyx'[axis]} = {position:.0f} mm"


def _mark_levels(image: "Image", rows: list[float]) -> None:
    """Short lines at both edges where the axial planes lie."""
    from PIL import ImageDraw

    draw = ImageDraw.Draw(image)
    for row in rows:
        draw.line((0, row, GAP, row), fill=FAINT, width=2)
        draw.line((image.width - GAP, row, image.width, row), fill=FAINT, width=2)


def _compose(panels: list[_Panel], entries: list[Entry], title: str) -> "Image":
    """Title, three axial planes, below them the upright planes and the legend, footer."""
    from PIL import Image, ImageDraw, ImageFont

    width, axial_height = panels[0].image.size
    upright_height = panels[-1].image.height
    lefts = [GAP + column * (width + GAP) for column in range(3)]
    lower = BAND + axial_height + GAP
    size = (lefts[-1] + width + GAP, lower + upright_height + BAND)
    picture = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(picture)
    large, small = ImageFont.load_default(size=20), ImageFont.load_default(size=15)
    draw.text((GAP, BAND / 2), title or "HNSeg", fill=TEXT, font=large, anchor="lm")
    found = f"{sum(entry.cm3 > 0 for entry in entries)} of {len(entries)} organs in the mask"
    draw.text((size[0] - GAP, BAND / 2), found, fill=FAINT, font=small, anchor="rm")
    corners = [(left, BAND) for left in lefts] + [(left, lower) for left in lefts[:2]]
    for panel, (left, top) in zip(panels, corners, strict=True):
        picture.paste(panel.image, (left, top))
        write = partial(draw.text, fill=TEXT, stroke_width=2, stroke_fill="black")
        write((left + GAP, top + GAP), panel.caption, font=small)
        middle = top + panel.image.height / 2
        write((left + 2 * GAP, middle), panel.edges[0], font=large, anchor="lm")
        write((left + width - 2 * GAP, middle), panel.edges[1], font=large, anchor="rm")
    inner = (width - 2 * GAP, upright_height - GAP)
    picture.paste(draw_legend(entries, inner), (lefts[2] + GAP, lower + GAP))
    foot = size[1] - BAND / 2
    draw.text((GAP, foot), "Not for clinical use.", fill=WARNING, font=small, anchor="lm")
    sides = "R, L: the patient's right, left   A, P: anterior, posterior"
    note = f"{sides}   window {WINDOW_HU[0]:.0f} to {WINDOW_HU[1]:.0f} HU   HNSeg {__version__}"
    draw.text((size[0] - GAP, foot), note, fill=FAINT, font=small, anchor="rm")
    return picture

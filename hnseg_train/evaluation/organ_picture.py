"""A close-up of one organ in one case: three planes, coloured where prediction and reference (dis)agree.

Axes: arrays are ``[z, y, x]``, here in canonical order. As in every preview the patient's left is on the
right of axial and coronal planes, and anterior on the left of the sagittal one.
"""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hnseg_infer.alignment import on_one_grid
from hnseg_infer.checks import in_hu
from hnseg_infer.preview.panels import PIXELS_PER_MM, Frame, draw_panel
from hnseg_infer.volume import Array, Volume

if TYPE_CHECKING:
    from PIL.Image import Image

PANEL_PIXELS = 320
"""Width and height of a plane."""

MARGIN_MM = 15.0
"""Shown around the organ."""

FIELD_MM = (50.0, 240.0)
"""Least and greatest width of a plane: a lens with its eye, a head."""

GAP = 8
BAND = 26
"""Pixels between and around the planes; height of the lines of text above and below."""

BACKGROUND, TEXT = (16, 18, 22), (226, 229, 234)

REGIONS = (
    (1, "both", (0, 200, 120)),
    (2, "prediction only", (86, 180, 255)),
    (3, "reference only", (255, 140, 0)),
)
"""Value, meaning and colour; blue and orange also differ for eyes that tell red and green badly."""


def draw_organ(
    ct: Volume,
    prediction: Volume,
    reference: Volume,
    value: int,
    *,
    title: str = "",
    sources: tuple[str, str, str] = ("the CT", "the prediction", "the reference"),
) -> "Image":
    """The organ with label ``value`` where the reference holds most of it; equal volumes give equal pixels.

    ct: HU, or what ``hnseg segment`` turns into HU; prediction, reference: label values on the CT's grid, in
    any axis order. The reference holds the organ. sources: what an error calls the three. Raises InputError
    when they do not lie on one grid.
    """
    grid, predicted = on_one_grid(ct, prediction, (sources[0], sources[1]))
    _, expected = on_one_grid(ct, reference, (sources[0], sources[2]))
    hu, _ = in_hu(grid.array, sources[0])
    regions = _regions(predicted.array == value, expected.array == value)
    spacing = grid.geometry.spacing_zyx
    held = [np.flatnonzero((expected.array == value).any(axis=_others(axis))) for axis in range(3)]
    centre = [(places[0] + places[-1]) / 2 * step for places, step in zip(held, spacing, strict=True)]
    extent = max((places[-1] - places[0] + 1) * step for places, step in zip(held, spacing, strict=True))
    field = float(np.clip(extent + 2 * MARGIN_MM, *FIELD_MM))
    panels = [
        _panel(hu, regions, axis, _fullest(expected.array == value, axis), spacing, centre, field)
        for axis in range(3)
    ]
    return _compose(panels, title)


def _regions(predicted: Array, expected: Array) -> Array:
    return np.select([predicted & expected, predicted, expected], [1, 2, 3]).astype(np.uint8)


def _others(axis: int) -> tuple[int, ...]:
    return tuple(other for other in range(3) if other != axis)


def _fullest(mask: Array, axis: int) -> int:
    """The plane across ``axis`` that holds most of the organ."""
    return int(mask.sum(axis=_others(axis)).argmax())


def _panel(
    hu: Array,
    regions: Array,
    axis: int,
    index: int,
    spacing: tuple[float, float, float],
    centre: list[float],
    field: float,
) -> "Image":
    row, column = _others(axis)
    planes = hu.take(index, axis), regions.take(index, axis)
    top = centre[row]
    if row == 0:
        # rows of upright planes run from superior to inferior, against the array's first axis
        planes = planes[0][::-1], planes[1][::-1]
        top = (hu.shape[0] - 1) * spacing[0] - top
    # panels.py draws a fixed number of pixels per mm: a larger picture of the same lines is one of longer mm
    zoom = PANEL_PIXELS / (field * PIXELS_PER_MM)
    frame = Frame((top - field / 2) * zoom, (centre[column] - field / 2) * zoom, field * zoom, field * zoom)
    colors = {value: color for value, _, color in REGIONS}
    return draw_panel(*planes, (spacing[row] * zoom, spacing[column] * zoom), frame, colors)


def _compose(panels: list["Image"], title: str) -> "Image":
    from PIL import Image, ImageDraw, ImageFont

    size = (3 * PANEL_PIXELS + 4 * GAP, PANEL_PIXELS + 2 * BAND)
    picture = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=15)
    draw.text((GAP, BAND / 2), title, fill=TEXT, font=font, anchor="lm")
    for number, (panel, edges) in enumerate(zip(panels, ("RL", "RL", "AP"), strict=True)):
        left, middle = GAP + number * (PANEL_PIXELS + GAP), BAND + PANEL_PIXELS / 2
        picture.paste(panel, (left, BAND))
        write = partial(draw.text, fill=TEXT, font=font, stroke_width=2, stroke_fill="black")
        write((left + GAP, middle), edges[0], anchor="lm")
        write((left + PANEL_PIXELS - GAP, middle), edges[1], anchor="rm")
    place, foot = float(GAP), size[1] - BAND / 2
    for _, meaning, color in REGIONS:
        draw.text((place, foot), meaning, fill=color, font=font, anchor="lm")
        place += draw.textlength(meaning, font=font) + 3 * GAP
    draw.text((size[0] - GAP, foot), "Not for clinical use.", fill=TEXT, font=font, anchor="rm")
    return picture

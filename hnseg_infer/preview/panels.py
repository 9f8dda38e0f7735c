"""One plane of a CT as a picture: grey values in a soft-tissue window, organs outlined.

Axes: planes are ``[row, column]``; positions in mm are index times spacing, so 0 is a first voxel's centre.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.volume import Array

if TYPE_CHECKING:
    from PIL.Image import Image

Color = tuple[int, int, int]

PIXELS_PER_MM = 2.2

WINDOW_HU = (-160.0, 240.0)
"""Soft-tissue window: centre 40, width 400."""

LINE_PIXELS = 2.0
"""Width of an outline."""

FILL = 0.13
"""How much of an organ's colour tints its inside."""


@dataclass(frozen=True)
class Frame:
    """The part of a plane that a picture shows, in mm: upper left corner and size."""

    top: float
    left: float
    height: float
    width: float

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return round(self.width * PIXELS_PER_MM), round(self.height * PIXELS_PER_MM)


def draw_panel(
    hu: Array, labels: Array, spacing: tuple[float, float], frame: Frame, colors: Mapping[int, Color]
) -> "Image":
    """RGB picture of a plane; what lies outside the image is black.

    hu, labels: [row, column]. spacing: mm between rows, between columns. colors: RGB by label
    value, in painting order; values without a colour are not drawn.
    """
    from PIL import Image

    low, high = WINDOW_HU
    grey = _sample(np.clip((hu - low) / (high - low), 0.0, 1.0), spacing, frame)
    picture = np.repeat(np.clip(grey, 0.0, 1.0)[..., None] * 255.0, 3, axis=2)
    present = set(np.unique(labels).tolist())
    for value, color in colors.items():
        if value in present:
            opacity = _opacity(_sample(labels == value, spacing, frame))[..., None]
            picture += opacity * (np.asarray(color, dtype=np.float32) - picture)
    return Image.fromarray(np.round(picture).astype(np.uint8))


def _sample(plane: Array, spacing: tuple[float, float], frame: Frame) -> NDArray[np.float32]:
    """The plane interpolated at the picture's pixels, 0 outside the plane."""
    from PIL import Image

    row, column = spacing
    # Pillow maps pixel corners, and a first voxel's centre lies at 0.5 in its coordinates.
    affine = (
        1 / (PIXELS_PER_MM * column), 0.0, frame.left / column + 0.5,
        0.0, 1 / (PIXELS_PER_MM * row), frame.top / row + 0.5,
    )  # fmt: skip
    image = Image.fromarray(plane.astype(np.float32))
    sampled = image.transform(frame.pixels, Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    return np.asarray(sampled, dtype=np.float32)


def _opacity(membership: NDArray[np.float32]) -> NDArray[np.float32]:
    """How strongly an organ's colour covers each pixel: a line where membership is 0.5, a tint inside."""
    rows, columns = np.gradient(membership)
    slope = np.maximum(np.hypot(rows, columns), 1e-6)
    pixels_from_edge = np.abs(membership - 0.5) / slope
    line = np.clip((LINE_PIXELS + 1) / 2 - pixels_from_edge, 0.0, 1.0)
    opacity: NDArray[np.float32] = np.maximum(line, FILL * (membership > 0.5)).astype(np.float32)
    return opacity

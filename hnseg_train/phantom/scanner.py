"""What the scanner adds: point spread, dental streaks, noise, couch, head rest; all on whole slices.

Arrays are [z, y, x], CT numbers in float32.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg_train.phantom.shapes import F

AIR = -1000.0
METAL_HU = 3500.0
"""Only fillings are painted above this; the scanner clips them at 3071."""


@dataclass(frozen=True)
class Scanner:
    """One scanner setting: kernel weight of the neighbours, noise in HU, room between base plate and couch,
    half width of the head rest and thickness of the mask (0: none) in mm.
    """

    blur: float
    noise: float
    grain: float
    gap_mm: float
    rest_half_mm: float
    mask_mm: float


def sample_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a scanner setting."""
    return Scanner(
        float(rng.uniform(0.08, 0.18)),
        float(np.clip(np.exp(rng.normal(np.log(12), 0.38)), 5, 22)),
        float(rng.uniform(0.12, 0.3)),
        float(rng.uniform(2, 30)),
        float(rng.uniform(65, 100)),
        float(rng.uniform(1.6, 2.6)) if rng.random() < 0.85 else 0.0,
    )


def smooth(image: F, weight: float) -> F:
    """Three-point smoothing along the last two axes."""
    out = image.copy()
    w = np.float32(weight)
    out[..., 1:-1] += w * (image[..., :-2] + image[..., 2:] - 2 * image[..., 1:-1])
    mid = out.copy()
    out[..., 1:-1, :] += w * (mid[..., :-2, :] + mid[..., 2:, :] - 2 * mid[..., 1:-1, :])
    return out


def add_support(
    volume: F, spacing: float, slice_mm: float, head_row: float, centre: float, scanner: Scanner
) -> None:
    """Head rest, base plate and couch below the patient (in place).

    head_row: slice index of the brain stem; centre: column of the patient's midline.
    """
    body = volume > -300
    rows = np.flatnonzero(body.any(axis=(0, 2)))
    plate = int(rows[-1]) + 3
    columns = (np.arange(volume.shape[2]) - centre) * spacing
    top = 17 + scanner.gap_mm
    sections: list[tuple[float, float, float, float]] = [
        (0, 2, 150, -450),
        (2, 15, 148, -965),
        (15, 17, 150, -450),
        (top, top + 2, 262, -300),
    ]
    for start, stop, half, hu in sections:
        a, b = (min(plate + round(v / spacing), volume.shape[1]) for v in (start, stop))
        volume[:, a:b, np.abs(columns) < half] = hu
    # The couch: foam over a curved shell.
    depth = (np.arange(volume.shape[1])[:, None] - plate) * spacing - top
    sag = 14 + 34 * (1 - (columns[None, :] / 262) ** 2)
    volume[:, (depth > 2) & (depth < sag)] = -968
    volume[:, (depth >= sag) & (depth < sag + 2) & (np.abs(columns) < 262)] = -300
    for k in range(volume.shape[0]):
        z = (k - head_row) * slice_mm
        if -105 < z < 75:
            _add_rest(volume[k], body[k], plate, spacing, columns, z, scanner)


def _add_rest(
    image: F,
    body: NDArray[np.bool_],
    plate: int,
    spacing: float,
    columns: F,
    z: float,
    scanner: Scanner,
) -> None:
    """Foam cushion hollowed for the head, and the mask's sides down to the base plate, in one slice."""
    across = np.abs(columns) / scanner.rest_half_mm
    rows = np.arange(image.shape[0])[:, None]
    top = plate - (10 + 26 * across**2 + 0.25 * max(-z - 20, 0)) / spacing
    below = np.cumsum(body, axis=0) >= body.sum(axis=0, keepdims=True)
    foam = below & (rows > top) & (rows < plate) & (across < 1) & (image < -600)
    skin_of_foam = np.broadcast_to(rows < top + 2, image.shape)
    image[foam] = np.where(skin_of_foam[foam], -650, -925)
    if scanner.mask_mm > 0:
        side = np.broadcast_to(np.abs(columns), image.shape)
        height = (plate - rows) * spacing
        leg = (np.abs(side - (104 - 0.14 * height)) < 0.7 * scanner.mask_mm) & (height > 0) & (height < 78)
        image[leg & ~body] = -380


def widths(volume: F, spacing: float) -> F:
    """The patient's width in mm in each slice."""
    return np.asarray((volume > -300).any(axis=1).sum(axis=1) * spacing, dtype=np.float32)


def add_streaks(volume: F, rng: np.random.Generator) -> None:
    """Star-shaped streaks about metal, and dark bands between pieces of metal (in place)."""
    for k in range(volume.shape[0]):
        metal = volume[k] > METAL_HU
        if metal.sum() < 3:
            continue
        labels, count = ndimage.label(metal)
        yy, xx = np.mgrid[: volume.shape[1], : volume.shape[2]].astype(np.float32)
        total = np.zeros_like(volume[k])
        for cy, cx in ndimage.center_of_mass(metal, labels, range(1, count + 1)):
            angle = np.arctan2(yy - cy, xx - cx)
            radius = np.hypot(yy - cy, xx - cx)
            rays = ndimage.gaussian_filter1d(rng.standard_normal(360), 1.6, mode="wrap")
            rays *= 170 / max(rays.std(), 1e-6)
            at = ((angle + np.pi) * (360 / (2 * np.pi))).astype(np.int32) % 360
            total += rays.astype(np.float32)[at] * np.exp(-radius / 42) * (radius > 2)
        tissue = volume[k] > -800
        volume[k] += np.where(tissue, total, 0.3 * total)


def add_noise(volume: F, width_mm: F, scanner: Scanner, rng: np.random.Generator) -> None:
    """Correlated noise, stronger and streakier in slices where the patient is wide (in place)."""
    for k in range(volume.shape[0]):
        image = volume[k]
        wide = float(np.clip((width_mm[k] - 200) / 220, 0, 1))
        white = rng.standard_normal(image.shape, dtype=np.float32)
        grain = smooth(white, scanner.grain)
        grain *= np.float32(scanner.noise * (1 + 0.7 * wide) / max(float(grain[::4, ::4].std()), 1e-6))
        if wide > 0.05:
            bands = ndimage.uniform_filter1d(white, 41, axis=1)
            grain += bands * np.float32(6.4 * 0.9 * scanner.noise * wide)
        image += grain * np.where(image > -800, np.float32(1), np.float32(0.6))

"""Another scanner's CT numbers: calibration, sharpness, noise, and the range that scanners store.

Arrays are ``[z, y, x]`` in canonical orientation, HU in float32.
"""

from dataclasses import dataclass, replace

import numpy as np

from hnseg_infer.volume import Volume
from hnseg_train.phantom.scanner import Scanner, add_noise, sample_scanner, smooth, widths

SCALE = (0.95, 1.05)
"""About water, whose number any scanner is calibrated to: bone depends most on the tube's voltage."""

SHIFT_HU = 25.0

KERNEL = (-0.08, 0.18)
"""Weight of a pixel's neighbours: sharper below 0, softer above."""

NOISE_HU = (0.0, 14.0)
"""Added to what the given CT has."""

STORED_HU = (-1024.0, 3071.0)
"""Twelve bits: what scanners store."""


@dataclass(frozen=True)
class Intensity:
    """scale: factor of HU. shift: HU. kernel: weight of neighbours in-plane. scanner: noise and its grain.
    seed: of the noise.
    """

    scale: float
    shift: float
    kernel: float
    scanner: Scanner
    seed: int


def sample_intensity(rng: np.random.Generator) -> Intensity:
    """Draw a scanner's calibration, kernel and noise."""
    return Intensity(
        scale=float(rng.uniform(*SCALE)),
        shift=float(rng.uniform(-SHIFT_HU, SHIFT_HU)),
        kernel=float(rng.uniform(*KERNEL)),
        scanner=replace(sample_scanner(rng), noise=float(rng.uniform(*NOISE_HU))),
        seed=int(rng.integers(2**63)),
    )


def change_intensity(ct: Volume, *, intensity: Intensity) -> Volume:
    """The CT as the drawn scanner would show it, within -1024 and 3071 HU."""
    array = ct.array.astype(np.float32)
    array *= np.float32(intensity.scale)
    array += np.float32(intensity.shift)
    for plane in array:
        plane[:] = smooth(plane, intensity.kernel)
    rng = np.random.default_rng(intensity.seed)
    if intensity.scanner.noise > 0:
        add_noise(array, widths(array, ct.geometry.spacing[0]), intensity.scanner, rng)
    np.clip(array, *STORED_HU, out=array)
    return Volume(array, ct.geometry)

"""Measures of invented patients: three organs, shifted and scaled at random."""

from collections.abc import Mapping

import numpy as np

from hnseg_infer.review.measure import OrganMeasure

PLACES = {
    "brain_stem": (0.0, 0.0, 0.0),
    "parotid_left": (-30.0, -20.0, 55.0),
    "parotid_right": (-30.0, -20.0, -55.0),
}
VOLUMES = {"brain_stem": 28.0, "parotid_left": 30.0, "parotid_right": 30.0}


def measure(
    place: tuple[float, float, float], volume_cm3: float, *, at_border: bool = False, outside: float = 0.0
) -> OrganMeasure:
    """An organ of voxels of 0.01 cm3. outside: part of its voxels outside the largest piece."""
    voxels = round(volume_cm3 * 100)
    return OrganMeasure(
        id=1,
        voxels=voxels,
        volume_cm3=volume_cm3,
        center=place,
        center_mm=place,
        box=(slice(0, 1), slice(0, 1), slice(0, 1)),
        at_border=at_border,
        pieces=2 if outside else 1,
        outside_largest=round(outside * voxels),
        stray_mm=10.0 if outside else 0.0,
    )


def patient(
    rng: np.random.Generator, *, shift: tuple[float, float, float] | None = None
) -> Mapping[str, OrganMeasure]:
    """Organs off their places by 3 mm and off their volumes by a factor of 1.2 (standard deviations)."""
    by = rng.uniform(100, 200, 3) if shift is None else np.array(shift)
    found = {}
    for name, place in PLACES.items():
        z, y, x = (float(mm) for mm in np.array(place) + by + rng.normal(0, 3, 3))
        found[name] = measure((z, y, x), float(VOLUMES[name] * 1.2 ** rng.normal()))
    return found

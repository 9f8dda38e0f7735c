"""What differs between patients beyond pose and size: habitus, contrast medium, teeth, tissue densities."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Person:
    """One patient. Lengths mm, CT numbers HU; factors multiply an average size.

    sella: how far the sella and all about it lies behind and above its average place. chiasm: the same for
    the chiasm, beyond that.
    """

    fat: float
    neck: float
    contrast: float
    fillings: int
    skull_mm: float
    diploe_hu: float
    ventricles: float
    parotid_hu: float
    parotid_size: float
    brain_hu: float
    mouth_open: float
    mastoid_air: float
    sinus_fluid: tuple[float, float]
    frontal_sinus: float
    nose: float
    ears: float
    brow: float
    jaw: float
    sella: tuple[float, float]
    chiasm: tuple[float, float]
    clinoid: float
    cistern_hu: float


def sample_person(rng: np.random.Generator) -> Person:
    """Draw one patient."""

    def around(mean: float, sd: float, low: float, high: float) -> float:
        return float(np.clip(rng.normal(mean, sd), low, high))

    fillings = int(rng.integers(1, 5)) if rng.random() < 0.4 else 0
    contrast = around(110, 30, 60, 170) if rng.random() < 0.5 else 0.0
    fluid = [around(0.5, 0.3, 0.1, 1.0) if rng.random() < 0.2 else 0.0 for _ in range(2)]
    return Person(
        fat=around(1.0, 0.3, 0.5, 1.8),
        neck=around(1.0, 0.06, 0.88, 1.14),
        contrast=contrast,
        fillings=fillings,
        skull_mm=around(6.8, 1.0, 5.0, 9.0),
        diploe_hu=around(620, 160, 280, 950),
        ventricles=around(1.15, 0.35, 0.6, 2.1),
        parotid_hu=around(-17, 24, -68, 32),
        parotid_size=around(1.0, 0.07, 0.86, 1.15),
        brain_hu=around(-1, 5, -11, 10),
        mouth_open=around(4, 3, 0, 10),
        mastoid_air=around(0.0, 0.25, -0.5, 0.5),
        sinus_fluid=(fluid[0], fluid[1]),
        frontal_sinus=around(1.0, 0.25, 0.4, 1.4),
        nose=around(1.0, 0.1, 0.8, 1.2),
        ears=around(1.0, 0.1, 0.8, 1.2),
        brow=around(1.0, 0.1, 0.8, 1.2),
        jaw=around(1.0, 0.06, 0.88, 1.12),
        sella=(around(0, 1.2, -2.5, 2.5), around(0, 1.8, -3.6, 3.6)),
        chiasm=(around(0, 2.4, -4.5, 5.0), around(0, 1.0, -2.0, 2.0)),
        clinoid=around(1.0, 0.2, 0.6, 1.4),
        cistern_hu=around(13, 4, 6, 21),
    )

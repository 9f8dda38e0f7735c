"""Paints shapes onto a slab of sub-slices: CT numbers with soft edges, labels with hard ones.

Arrays are [z, y, x]; along z a slab holds ``SUBSLICES`` planes per CT slice, the middle one being the slice's
own plane, where the labels are drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_train.phantom.shapes import F, Shape, grown
from hnseg_train.phantom.warp import Patch

SUBSLICES = 3
"""Planes averaged into one slice."""

Material = float | Callable[[F, F, F, F], F | float]
"""CT number, or a function of (distance, x, y, z) giving CT numbers."""


@dataclass(frozen=True)
class Paint:
    """One stroke: ``hu`` None leaves the CT alone, ``label`` None leaves the labels alone, 0 erases them.

    ``opacity`` under 1 mixes with what is underneath; ``edge`` is the width in mm of the soft border.
    """

    shape: Shape
    hu: Material | None
    label: int | None = 0
    edge: float = 1.0
    opacity: float = 1.0


@dataclass
class Slab:
    """A block of sub-slices: patient coordinates, CT numbers and (in slice planes) labels."""

    patch: Patch
    hu: F
    labels: NDArray[np.uint8]

    def paint(self, stroke: Paint) -> None:
        """Apply one stroke."""
        window = self.patch.window(stroke.shape.low, stroke.shape.high)
        if window is None:
            return
        zs, ys, xs = window
        x, y, z = (axis[zs, ys, xs] for axis in (self.patch.x, self.patch.y, self.patch.z))
        d = stroke.shape.distance(x, y, z)
        if stroke.hu is not None:
            cover = np.clip(np.float32(0.5) - d * np.float32(1 / stroke.edge), 0, 1)
            if stroke.opacity < 1:
                cover *= np.float32(stroke.opacity)
            target = stroke.hu(d, x, y, z) if callable(stroke.hu) else np.float32(stroke.hu)
            view = self.hu[zs, ys, xs]
            view += cover * (target - view)
        if stroke.label is not None:
            # z windows start on whole slices, so the slice planes are 1, 4, 7, ...
            inside = d[SUBSLICES // 2 :: SUBSLICES] < 0
            first = zs.start // SUBSLICES
            self.labels[first : first + len(inside), ys, xs][inside] = stroke.label


def cortical(cortex: float, marrow: float, thickness: float = 1.6) -> Material:
    """Bone: a dense shell of ``thickness`` mm around spongy bone."""

    def hu(d: F, x: F, y: F, z: F) -> F:
        shell = np.clip((d + np.float32(thickness)) / np.float32(0.8) + np.float32(0.5), 0, 1)
        return np.asarray(marrow + shell * np.float32(cortex - marrow), dtype=np.float32)

    return hu


def spongy(cortex: float, marrow: float, swing: float, period: float, thickness: float = 1.6) -> Material:
    """``cortical`` bone whose marrow varies by about ``swing`` HU over trabeculae ``period`` mm apart."""
    shell = cortical(cortex, 0, thickness)
    assert callable(shell)

    def hu(d: F, x: F, y: F, z: F) -> F:
        dense = shell(d, x, y, z)
        inner = 1 - dense / np.float32(cortex)
        return np.asarray(dense + inner * (marrow + np.float32(swing) * cells(x, y, z, period)), np.float32)

    return hu


def sheathed(shape: Shape, hu: float, fat: float = -65.0) -> Paint:
    """A muscle or gland of uneven density in a thin sheath of fat, which parts it from its neighbours."""
    flesh = lobed(hu, 6, 16)

    def material(d: F, x: F, y: F, z: F) -> F:
        sheath = np.clip(d + np.float32(1.9), 0, 1)
        inside = flesh(d, x, y, z)
        return np.asarray(inside + sheath * (np.float32(fat) - inside), dtype=np.float32)

    return Paint(grown(shape, 1.4), material)


def cells(x: F, y: F, z: F, period: float) -> F:
    """A smooth random-looking field in -1.5..1.5 with cells of ``period`` mm (a gyroid, bent a little)."""
    k = np.float32(2 * np.pi / period)
    bend = np.float32(0.9)
    u = k * x + bend * np.sin(np.float32(0.37) * k * y + np.float32(1.0))
    v = k * y + bend * np.sin(np.float32(0.41) * k * z + np.float32(2.0))
    w = k * z + bend * np.sin(np.float32(0.33) * k * x + np.float32(0.5))
    return np.asarray(np.sin(u) * np.cos(v) + np.sin(v) * np.cos(w) + np.sin(w) * np.cos(u), dtype=np.float32)


def lobed(mean: float, swing: float, period: float) -> Callable[[F, F, F, F], F]:
    """Soft tissue whose CT number varies smoothly by about ``swing`` around ``mean``."""
    k = np.float32(2 * np.pi / period)

    def hu(d: F, x: F, y: F, z: F) -> F:
        wave = np.sin(k * x + np.float32(0.6) * k * y)
        wave += np.sin(k * y - np.float32(0.5) * k * z)
        wave += np.sin(k * z + np.float32(0.4) * k * x)
        wave *= np.float32(0.6 * swing)
        wave += np.float32(mean)
        return np.asarray(wave, dtype=np.float32)

    return hu

"""Generates one patient: draws who it is, paints slab by slab, then lets the scanner look at it."""

from dataclasses import dataclass

import numpy as np

from hnseg_infer.volume import Geometry, Volume
from hnseg_train.phantom import (
    body,
    brain,
    ear,
    eye,
    glands,
    jaw,
    muscles,
    scanner,
    skull,
    spine,
    throat,
    trunk,
)
from hnseg_train.phantom.canvas import SUBSLICES, Paint
from hnseg_train.phantom.person import Person, sample_person
from hnseg_train.phantom.render import node_planes, render
from hnseg_train.phantom.warp import node_grid, sample_pose

SIZE = 512
SLICE_MM = 3.0
VERTEX_MM = 121.0
"""Height of the average vertex over the brain stem."""


@dataclass(frozen=True)
class Phantom:
    """A generated patient: the CT (int16 HU) and the labels (uint8) on one grid."""

    ct: Volume
    labels: Volume


@dataclass(frozen=True)
class _Grid:
    """Where the scan lies: spacing mm, slices, and the brain stem's index (z, y, x)."""

    spacing: float
    slices: int
    stem: tuple[float, float, float]
    origin: tuple[float, float, float]


def _sample_grid(rng: np.random.Generator, height_scale: float) -> _Grid:
    spacing = float(np.round(rng.uniform(0.977, 1.184), 4))
    slices = 100 + int(53 * rng.beta(1.1, 1.7))
    top = VERTEX_MM * height_scale + rng.uniform(6, 24)
    stem = (
        float(slices - 1 - top / SLICE_MM),
        float(np.clip(rng.normal(228, 8), 210, 246)),
        float(np.clip(rng.normal(256, 7), 238, 274)),
    )
    corner = -(SIZE - 1) / 2 * spacing
    origin = (corner, corner, float(np.round(rng.uniform(-900, 200), 1)))
    return _Grid(spacing, slices, stem, origin)


def strokes(rng: np.random.Generator, person: Person) -> list[Paint]:
    """All of the patient's anatomy, in painting order."""
    out = [
        *muscles.of_the_neck(person),
        *muscles.of_the_face(),
        *trunk.trunk(person),
        *skull.brain_case(person),
        *skull.face(rng, person),
        *brain.brain(rng, person),
        *glands.glands(rng, person),
    ]
    for side in (1, -1):
        out += ear.ear(side, rng, person)
        out += eye.eye(side, rng, person)
    return [
        *out,
        *jaw.jaw(rng, person),
        *muscles.sternomastoid(person),
        *spine.spine(),
        *throat.throat(rng, person),
        *throat.vessels(person),
    ]


def generate(seed: int, case: int) -> Phantom:
    """Patient ``case`` (1, 2, ...) of series ``seed``; the same two numbers always give the same voxels.

    Returns the CT (int16 HU, 512 x 512 x 100-152 voxels, 0.977-1.184 x 3 mm) and the 22 organs' labels
    (uint8, StructSeg ids), both [z, y, x] with identity direction (LPS).
    """
    rng = np.random.default_rng([seed, case])
    pose, person = sample_pose(rng), sample_person(rng)
    grid, device = _sample_grid(rng, pose.scale[2]), scanner.sample_scanner(rng)
    first = (
        -grid.stem[2] * grid.spacing,
        -grid.stem[1] * grid.spacing,
        -(grid.stem[0] + (SUBSLICES // 2) / SUBSLICES) * SLICE_MM,
    )
    steps = (grid.spacing, grid.spacing, SLICE_MM / SUBSLICES)
    nodes = node_grid(pose, first, steps, (node_planes(grid.slices), SIZE + 1, SIZE + 1))
    anatomy = strokes(rng, person)
    shape = (grid.slices, SIZE, SIZE)
    ct, labels = render(shape, nodes, body.outline(person), anatomy, person, device.mask_mm)
    width = scanner.widths(ct, grid.spacing)
    scanner.add_support(ct, grid.spacing, SLICE_MM, grid.stem[0], grid.stem[2], device)
    if person.fillings:
        scanner.add_streaks(ct, rng)
    for plane in ct:
        plane[:] = scanner.smooth(plane, device.blur)
    scanner.add_noise(ct, width, device, rng)
    geometry = Geometry(
        shape,
        (grid.spacing, grid.spacing, SLICE_MM),
        grid.origin,
        (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    hu = np.rint(np.clip(ct, -1024, 3071)).astype(np.int16)
    return Phantom(Volume(hu, geometry), Volume(labels, geometry))

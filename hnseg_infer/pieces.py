"""The pieces of an organ: parts that do not even touch at a corner, as thin organs run diagonally.

Where voxels are few in the box around them, work is done on the voxels alone: one stray voxel far away would
make that box the CT.
"""

from collections.abc import Collection, Sequence
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

DENSE = 50
"""A box of fewer voxels than so many times those of the organ is labelled as a whole."""

STRAY_MM = 30.0
"""A piece of an organ that lies farther than this from its main one is a stray.

Thin organs break where a network is unsure, and their parts stay near; what it sees in a chest is far away.
"""

RIVAL = 0.5
"""A piece of at least this part of the largest one's voxels is the main one if it is nearer to all organs.

What a network takes for an ear in a raised arm may be larger than the ear.
"""

FEWEST_ORGANS = 3
"""So many organs tell where the others should be."""

_TOUCHING = np.ones((3, 3, 3))

_BEHIND = tuple(step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0))
"""Half of a voxel's neighbours; the other half are neighbours the other way round."""


def pieces(places: Sequence[NDArray[np.intp]], shape: Sequence[int]) -> tuple[int, NDArray[np.int32]]:
    """Number of pieces, and the piece of each voxel.

    places: z, y and x of one or more voxels in a grid of that shape, in the order of ``np.nonzero``.
    """
    first = [int(along.min()) for along in places]
    box = tuple(int(along.max()) + 1 - start for along, start in zip(places, first, strict=True))
    if prod(box) < DENSE * len(places[0]):
        inside = tuple(along - start for along, start in zip(places, first, strict=True))
        mask = np.zeros(box, np.bool_)
        mask[inside] = True
        parts, number = ndimage.label(mask, _TOUCHING)
        return int(number), parts[inside] - 1
    return _of_few(places, shape)


def _of_few(places: Sequence[NDArray[np.intp]], shape: Sequence[int]) -> tuple[int, NDArray[np.int32]]:
    # a margin of one voxel, so that the end of a row and the start of the next are no neighbours
    wide = np.array((1, *(size + 2 for size in shape[:0:-1]))).cumprod()[::-1]
    flat = sum(along * step for along, step in zip(places, wide, strict=True))
    count = len(flat)
    firsts, seconds = [], []
    for neighbour in _BEHIND:
        wanted = flat + int(np.dot(neighbour, wide))
        at = np.minimum(np.searchsorted(flat, wanted), count - 1)
        (touching,) = np.nonzero(flat[at] == wanted)
        firsts.append(touching)
        seconds.append(at[touching])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    graph = coo_array((np.ones(len(first), np.bool_), (first, second)), (count, count))
    number, piece = connected_components(graph, directed=False)
    return int(number), piece


def remove_strays(
    labels: NDArray[np.uint8], organs: Collection[int], spacing_zyx: tuple[float, float, float]
) -> NDArray[np.uint8]:
    """The labels ``[z, y, x]`` without those pieces of the organs that are strays, see STRAY_MM and RIVAL."""
    kept = labels.copy()
    inside = np.nonzero(np.isin(labels, list(organs)))
    found = labels[inside]
    in_pieces = []
    for organ in np.unique(found):
        of_organ = tuple(along[found == organ] for along in inside)
        places = np.stack(of_organ, axis=1) * np.array(spacing_zyx)
        in_pieces.append((of_organ, places, pieces(of_organ, labels.shape)[1]))
    middle = _middle([_centers(places, piece)[np.bincount(piece).argmax()] for _, places, piece in in_pieces])
    for of_organ, places, piece in in_pieces:
        if piece.any():
            strays = _strays(places, piece, _main(places, piece, middle))
            kept[tuple(along[strays] for along in of_organ)] = 0
    return kept


def _middle(centers: Sequence[NDArray[np.float64]]) -> NDArray[np.float64] | None:
    """Where organs lie, from the centres of their largest pieces: few of these are wrong. None of too few."""
    return np.median(centers, axis=0) if len(centers) >= FEWEST_ORGANS else None


def _centers(places_mm: NDArray[np.float64], piece: NDArray[np.int32]) -> NDArray[np.float64]:
    """Centroid ``[piece, axis]`` of each piece."""
    sums = [np.bincount(piece, weights=along) for along in places_mm.T]
    centers: NDArray[np.float64] = np.stack(sums, axis=1) / np.bincount(piece)[:, None]
    return centers


def _main(
    places_mm: NDArray[np.float64], piece: NDArray[np.int32], middle: NDArray[np.float64] | None
) -> int:
    """The largest piece, or a rival of it that is nearer to the middle."""
    sizes = np.bincount(piece)
    if middle is None:
        return int(sizes.argmax())
    rivals = np.flatnonzero(sizes >= RIVAL * sizes.max())
    distances = np.linalg.norm(_centers(places_mm, piece)[rivals] - middle, axis=1)
    return int(rivals[distances.argmin()])


def _strays(places_mm: NDArray[np.float64], piece: NDArray[np.int32], main: int) -> NDArray[np.bool_]:
    """Which voxels belong to a piece all of which is farther from the main one than STRAY_MM."""
    of_main = piece == main
    rest = np.nonzero(~of_main)[0]
    # the bound itself does not count
    reach = np.nextafter(STRAY_MM, np.inf)
    distance, _ = KDTree(places_mm[of_main]).query(places_mm[rest], distance_upper_bound=reach)
    near = np.zeros(int(piece.max()) + 1, np.bool_)
    near[main] = True
    near[piece[rest[np.isfinite(distance)]]] = True
    return ~near[piece]

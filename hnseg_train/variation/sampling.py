"""Linear interpolation at scattered places."""

import numpy as np
from numpy.typing import NDArray

_PARTS = 2
"""torch gives each image of a batch to one thread, whatever its size."""


def sample_linear(images: NDArray[np.float32], indices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images ``[channel, z, y, x]`` at ``indices`` ``[3, z, y, x]``: ``[channel, z, y, x]`` of their shape.

    indices: z, y, x of the images, fractional; beyond an image its outermost voxels go on.
    """
    # torch takes a second to import
    import torch
    from torch.nn.functional import grid_sample

    _, depth, height, width = indices.shape
    # torch wants x, y, z, from -1 to 1
    places = np.zeros((3, depth + -depth % _PARTS, height, width), np.float32)
    for axis, size in enumerate(images.shape[1:]):
        np.multiply(indices[axis], np.float32(2 / max(size - 1, 1)), out=places[2 - axis, :depth])
    places -= 1
    grid = torch.from_numpy(places).reshape(3, _PARTS, -1, height, width).permute(1, 2, 3, 4, 0)
    batch = torch.from_numpy(images).expand(_PARTS, *images.shape)
    sampled = grid_sample(batch, grid, mode="bilinear", padding_mode="border", align_corners=True)
    result: NDArray[np.float32] = sampled.transpose(0, 1).flatten(1, 2)[:, :depth].numpy()
    return result


def within(index: NDArray[np.float32], size: int, below: float, above: float) -> NDArray[np.bool_]:
    """Where a place lies no more than so many voxels before an axis' first centre or behind its last."""
    inside: NDArray[np.bool_] = (index >= -below) & (index <= size - 1 + above)
    return inside

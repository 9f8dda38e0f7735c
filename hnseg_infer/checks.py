"""Is this volume a usable CT of the head and neck? Asked before any network runs.

An error stops the run with one sentence; a doubt or a repair becomes a warning. Everything here
works on the canonical volume: array ``[z, y, x]`` in HU, axes towards superior, posterior, left.
"""

import numpy as np

from hnseg_infer.errors import InputError
from hnseg_infer.head_in_view import MINIMUM_EXTENT, MINIMUM_NECK, brain_extent, neck_extent
from hnseg_infer.report import Warning
from hnseg_infer.volume import Array, Volume, tilt_degrees

MINIMUM_SHAPE = (8, 16, 16)
"""Voxels (z, y, x). At the largest spacing taken this is a block of 80 x 160 x 160 mm; less holds no head."""

SPACING_LIMITS = (0.2, 10.0)
"""mm. No scanner makes finer head CTs; in coarser ones the small organs are below one voxel."""

PIXEL_RATIO = 1.25
"""Of the sides of a pixel in an axial slice: above it the spacing is doubted, as scanners make square ones.

In the other order a spacing of 0.98, 0.98, 3 mm makes pixels of 3 x 0.98 mm.
"""

TILT_LIMIT = 1.0
"""Degrees between grid and patient axes above which a warning says that nothing is straightened."""

AIR_HU = -1024
"""The lowest value a CT can mean: voxels below it are padding outside the scanned circle."""

OFFSET = 1024
"""What files lack whose writer dropped the rescale intercept: air reads about 0, water 1024."""

NOT_IN_VIEW = "no_head_or_neck"
"""Code of the warning after which no network runs: networks that know heads find organs in a chest, too."""

_SAMPLES = 2_000_000
"""About how many voxels the value statistics are taken from."""

_TISSUE = (-150, 150)
_LEAST_TISSUE = 0.001
"""Smallest share of voxels that are fat, muscle or brain; a head fills 0.03 of a wide CT and more."""

_LEAST_RANGE = 500
"""HU from the lowest to the highest value: air to bone is over 1200, a windowed image mostly under 450."""

_LOW = -200
"""HU below fat: air is, in every CT."""

_BONE = 200


def check_ct(volume: Volume, source: str) -> tuple[Volume, list[Warning]]:
    """Return the CT, repaired where that is safe, and what there is to warn about.

    ``source`` is the input's name for messages. Raises InputError for what cannot be a CT in HU.
    The volume given is never changed; it is returned itself where nothing had to be repaired.
    """
    _check_grid(volume, source)
    warnings = [*volume.notices, *_grid_warnings(volume)]
    array, repairs = in_hu(volume.array, source)
    _check_values(array, source)
    warnings += repairs
    warnings += _view_warnings(array, volume.geometry.spacing_zyx)
    checked = volume if array is volume.array else Volume(array, volume.geometry)
    return checked, warnings


def _check_grid(volume: Volume, source: str) -> None:
    shape, spacing = volume.geometry.shape, volume.geometry.spacing_zyx
    if any(size < least for size, least in zip(shape, MINIMUM_SHAPE, strict=True)):
        raise InputError(
            f"{source} has only {_by(shape[::-1])} voxels; {_by(MINIMUM_SHAPE[::-1])} or more are accepted."
        )
    low, high = SPACING_LIMITS
    if min(spacing) < low or max(spacing) > high:
        raise InputError(
            f"{source} has a voxel spacing of {_by(spacing[::-1])} mm; {low:g} to {high:g} mm is accepted."
        )


def _grid_warnings(volume: Volume) -> list[Warning]:
    warnings = []
    tilt = tilt_degrees(volume.geometry)
    if tilt > TILT_LIMIT:
        message = f"The grid lies {tilt:.1f} degrees oblique to the patient axes; it is used as it is."
        warnings.append(Warning("oblique_grid", message))
    pixel = volume.geometry.spacing[:2]
    if max(pixel) > PIXEL_RATIO * min(pixel):
        message = (
            f"The pixels of axial slices are {_by(pixel)} mm, not square as a scanner's: either the spacing "
            "was given in another order, or these are not the scanner's own slices."
        )
        warnings.append(Warning("implausible_spacing", message))
    return warnings


def _view_warnings(array: Array, spacing_zyx: tuple[float, float, float]) -> list[Warning]:
    if brain_extent(array, spacing_zyx) >= MINIMUM_EXTENT:
        return []
    if neck_extent(array, spacing_zyx) >= MINIMUM_NECK:
        message = "No skull with a brain inside was found, so the CT may not show a whole head."
        return [Warning("head_not_found", message)]
    return [Warning(NOT_IN_VIEW, "Neither a head nor a neck was found, so no organ was looked for.")]


def in_hu(array: Array, source: str) -> tuple[Array, list[Warning]]:
    """A canonical array in HU, padding raised to air, and what was repaired; itself where nothing was.

    Raises InputError for values that are not finite numbers.
    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{source} holds voxels that are not finite numbers; a CT in HU is accepted.")
    if array.dtype.kind == "u":
        # where the offset is subtracted there must be room below 0
        array = array.astype(np.int32)
    warnings = []
    lowest = float(array.min())
    floor = AIR_HU
    if _lacks_intercept(_sample(array)):
        floor = AIR_HU + OFFSET
        message = f"Air was near 0 and tissue near {OFFSET}, so {OFFSET} was subtracted to get HU."
        warnings.append(Warning("hu_offset_removed", message))
    if lowest < floor:
        array = np.maximum(array, array.dtype.type(floor))
        message = f"Values down to {lowest:g}, below those of air, were raised to {floor}."
        warnings.append(Warning("padding_clipped", message))
    # Only after padding was raised: an int16 of -32768 has no room for the subtraction.
    shift = AIR_HU - floor
    if shift:
        array = array + array.dtype.type(shift)
    return array, warnings


def _sample(array: Array) -> Array:
    """Every n-th voxel in plane as int32: enough to tell shares of voxels from."""
    step = max(1, int(np.sqrt(array.size / _SAMPLES)))
    return np.clip(array[:, ::step, ::step], -32768, 32767).astype(np.int32)


def _share(sample: Array, low: float, high: float) -> float:
    return float(np.mean((sample >= low) & (sample <= high)))


def _lacks_intercept(sample: Array) -> bool:
    """Whether values run from 0: no air or fat in HU, but a peak at 0, one at 1024 and little between.

    The gap between air and tissue is what an MR image, which also starts at 0, does not have.
    """
    scanned = sample[sample > AIR_HU - 100]
    if scanned.size == 0 or np.percentile(scanned, 0.1) < -100:
        return False
    air = _share(scanned, -100, 124)
    between = _share(scanned, 200, 750)
    tissue = _share(scanned, OFFSET + _TISSUE[0], OFFSET + _TISSUE[1])
    bone = scanned.max() > OFFSET + _BONE
    return bool(air > 0.01 and tissue > 0.02 and tissue > between and bone)


def _check_values(array: Array, source: str) -> None:
    """Raise InputError unless values look like HU: a range of air to bone, some tissue, some air."""
    lowest, highest, sample = float(array.min()), float(array.max()), _sample(array)
    if lowest == highest:
        raise InputError(f"{source} has the same value ({lowest:g}) in every voxel; a CT in HU is accepted.")
    if highest - lowest < _LEAST_RANGE and highest > _LOW:
        raise InputError(
            f"{source} holds values from {lowest:.4g} to {highest:.4g}, like a rescaled or windowed image; "
            "a CT in HU (air -1000, bone over 300) is accepted."
        )
    if _share(sample, *_TISSUE) < _LEAST_TISSUE or highest < _BONE:
        raise InputError(f"{source} shows no body, only air or one material; a CT is accepted.")
    if lowest > _LOW:
        raise InputError(
            f"{source} holds no value below {lowest:.4g}, so it is not in HU, where air is -1000; "
            "a CT in HU is accepted."
        )


def _by(numbers: tuple[float, ...]) -> str:
    return " x ".join(f"{number:.4g}" for number in numbers)

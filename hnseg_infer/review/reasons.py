"""Why somebody should look at a mask before using it: organs unlike those of the training patients.

Nobody reads a mask unasked. What is doubted here is rare among patients like the trained ones;
``benchmarks/review_rates.py`` counts how often each happens, and how often broken CTs are caught.
"""

from collections.abc import Iterable, Iterator, Mapping
from math import exp, log

from hnseg_infer.checks import NOT_IN_VIEW
from hnseg_infer.report import Reason, Warning
from hnseg_infer.review.anatomy import Anatomy, OrganAnatomy, shift
from hnseg_infer.review.measure import OrganMeasure

SDS = 4.0
"""So many standard deviations from the mean of the training patients are unlike all of them."""

SIDES_SDS = 2.7
"""The same for left by right, of which patients differ less than networks that fail on one side."""

LEAST_FACTOR = 1.1
LEAST_SIDES_FACTOR = 1.05
LEAST_MM = 2.0
LEAST_BITS = 0.02
"""Smallest standard deviations that are believed: of a volume and of left by right (factors), a position, an
entropy."""

USUAL_BORDER = 0.05
"""Share of training patients from which on an organ is expected to reach the CT's edge."""

STRAY_SHARE = 0.1
"""Part of an organ's voxels that may lie outside its largest piece."""

FEWEST_OTHERS = 2
"""An organ's place is judged by at least so many others; one may be misplaced itself."""

DOUBTS = frozenset(
    (
        "hu_offset_removed",
        "head_not_found",
        NOT_IN_VIEW,
        "oblique_grid",
        "implausible_spacing",
        "untypical_spacing",
        "roi_inferred",
        "roi_not_found",
    )
)
"""Codes of warnings that are reasons for a review by themselves."""


def out_of_view(
    found: Mapping[str, OrganMeasure], anatomy: Anatomy, name: str, size_mm: tuple[float, float, float]
) -> bool:
    """Whether an organ that was not found would lie outside the CT, by the organs that were found.

    size_mm: extent of the CT (z, y, x). False where nothing tells.
    """
    expected = _expected(found, anatomy, name, fewest=1)
    if expected is None:
        return False
    return any(not 0 <= place <= size for place, size in zip(expected, size_mm, strict=True))


def reasons(
    found: Mapping[str, OrganMeasure],
    missing: Mapping[str, bool],
    entropy: Mapping[str, float],
    anatomy: Anatomy | None,
    warnings: Iterable[Warning],
) -> tuple[Reason, ...]:
    """Every reason for a review.

    found: organs by name. missing: organs without a voxel, and whether they are out of view. entropy: mean
    bits by organ. anatomy: of the bundle; without one nothing is compared.
    """
    listed = [Reason(doubt.code, None, doubt.message) for doubt in warnings if doubt.code in DOUBTS]
    # without a head or a neck no organ was looked for
    looked_for = {} if any(reason.code == NOT_IN_VIEW for reason in listed) else missing
    for name, outside in looked_for.items():
        code, where = ("out_of_view", "lies outside the CT") if outside else ("not_found", "was not found")
        listed.append(Reason(code, name, f"{name} {where}."))
    for name, organ in found.items():
        known = anatomy.organs.get(name) if anatomy else None
        listed += _of_shape(name, organ, known)
        if anatomy and known:
            listed += _of_size(name, organ, known)
            listed += _of_place(name, found, anatomy, known)
            listed += _of_entropy(name, entropy.get(name), known)
    return (*listed, *(_of_pairs(found, anatomy) if anatomy else ()))


def _of_shape(name: str, organ: OrganMeasure, known: OrganAnatomy | None) -> Iterator[Reason]:
    if organ.at_border and known is not None and known.at_border < USUAL_BORDER:
        yield Reason("cut_off", name, f"{name} reaches the edge of the CT, so part of it may be missing.")
    if organ.outside_largest > STRAY_SHARE * organ.voxels:
        share = organ.outside_largest / organ.voxels
        message = f"{name} is in {organ.pieces} pieces, with {share:.0%} outside the largest."
        yield Reason("several_pieces", name, message)


def _of_size(name: str, organ: OrganMeasure, known: OrganAnatomy) -> Iterator[Reason]:
    spread = log(max(known.volume_factor, LEAST_FACTOR))
    low, high = (known.volume_cm3 * exp(sign * SDS * spread) for sign in (-1, 1))
    # what is cut off is smaller than it was
    if organ.volume_cm3 > high or (organ.volume_cm3 < low and not organ.at_border):
        message = f"{name} has {organ.volume_cm3:.3g} cm3; {low:.3g} to {high:.3g} were expected."
        yield Reason("unlikely_volume", name, message)


def _of_place(
    name: str, found: Mapping[str, OrganMeasure], anatomy: Anatomy, known: OrganAnatomy
) -> Iterator[Reason]:
    expected = _expected(found, anatomy, name, FEWEST_OTHERS)
    if expected is None or found[name].at_border:
        return
    off = [own - usual for own, usual in zip(found[name].center_mm, expected, strict=True)]
    limits = [SDS * max(sd, LEAST_MM) for sd in known.position_sd_mm]
    if any(abs(mm) > limit for mm, limit in zip(off, limits, strict=True)):
        distance = sum(mm**2 for mm in off) ** 0.5
        message = f"{name} lies {distance:.0f} mm from where the other organs would have it."
        yield Reason("unlikely_position", name, message)


def _of_entropy(name: str, bits: float | None, known: OrganAnatomy) -> Iterator[Reason]:
    if bits is None or known.entropy_bits is None or known.entropy_sd_bits is None:
        return
    limit = known.entropy_bits + SDS * max(known.entropy_sd_bits, LEAST_BITS)
    if bits > limit:
        message = f"The network was unsure of {name}: {bits:.2f} bits; up to {limit:.2f} were expected."
        yield Reason("unsure", name, message)


def _of_pairs(found: Mapping[str, OrganMeasure], anatomy: Anatomy) -> Iterator[Reason]:
    for pair in anatomy.pairs:
        left, right = found.get(pair.left), found.get(pair.right)
        if left is None or right is None or left.at_border or right.at_border:
            continue
        ratio = left.volume_cm3 / right.volume_cm3
        if abs(log(ratio / pair.ratio)) > SIDES_SDS * log(max(pair.ratio_factor, LEAST_SIDES_FACTOR)):
            message = f"{pair.left} has {ratio:.2g} times the volume of {pair.right}."
            yield Reason("asymmetric", pair.left, message)


def _expected(
    found: Mapping[str, OrganMeasure], anatomy: Anatomy, name: str, fewest: int
) -> tuple[float, float, float] | None:
    """Where an organ should lie in the CT (mm from its first voxel), by the others that are whole.

    Where none is whole, the cut ones tell roughly, if one is enough.
    """
    if name not in anatomy.organs:
        return None
    typical = {organ: known.position_mm for organ, known in anatomy.organs.items()}
    others = {other: organ for other, organ in found.items() if other != name}
    whole = {other: organ.center_mm for other, organ in others.items() if not organ.at_border}
    if not whole and fewest == 1:
        whole = {other: organ.center_mm for other, organ in others.items()}
    moved = shift(whole, typical, fewest)
    if moved is None:
        return None
    z, y, x = (usual + by for usual, by in zip(typical[name], moved, strict=True))
    return z, y, x

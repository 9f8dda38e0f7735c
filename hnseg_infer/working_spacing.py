"""Which spacing a model sees a CT at: its own rule, or one for CTs unlike all that it was trained on.

Spacings are mm in z, y, x order.
"""

from hnseg_infer.bundle import Bundle, ModelSpec
from hnseg_infer.report import Warning
from hnseg_infer.resampling import Spacing
from hnseg_infer.spacing_rule import SpacingRange

TOLERANCES = (1.6, 1.25, 1.25)
"""How far outside the trained range a spacing may lie (z, y, x), as a factor, before voxels are resampled.

Networks know shapes in voxels of the axial plane; the slice distance hardly matters to them, and a CT with
2 mm slices is an ordinary one (``benchmarks/spacing_rule.py``).
"""


def working_spacing(model: ModelSpec, trained: SpacingRange | None, given: Spacing) -> Spacing | None:
    """The spacing that a CT with the spacing ``given`` is resampled to for a model; None for not at all.

    A model without a rule of its own sees the CT's voxels, unless they are far from the trained ones: then
    the axes that are get the nearest trained spacing.
    """
    if model.spacing is not None or trained is None:
        return model.spacing
    z, y, x = nearest_spacing(given, trained)
    return None if (z, y, x) == given else (z, y, x)


def nearest_spacing(given: Spacing, trained: SpacingRange) -> Spacing:
    """The spacing itself along the axes where it is near the trained ones, elsewhere the nearest of those."""
    z, y, x = (
        mm if low / factor <= mm <= high * factor else min(max(mm, low), high)
        for mm, low, high, factor in zip(given, trained.low, trained.high, TOLERANCES, strict=True)
    )
    return z, y, x


def spacing_warnings(bundle: Bundle, given: Spacing) -> list[Warning]:
    """One warning when a CT is resampled though the bundle has no rule that says so."""
    trained = bundle.trained_spacing
    without_rule = (model for model in bundle.models if model.spacing is None)
    used = next((working_spacing(model, trained, given) for model in without_rule), None)
    if used is None or trained is None:
        return []
    message = (
        f"The voxel spacing of {_by(given)} mm is far from what the networks were trained on "
        f"({_by(trained.low)} to {_by(trained.high)} mm); they saw the CT resampled to {_by(used)} mm."
    )
    return [Warning("untypical_spacing", message)]


def _by(spacing: Spacing) -> str:
    """In the order that people expect: x, y, z."""
    return " x ".join(f"{mm:.3g}" for mm in reversed(spacing))

"""The training plans of the combined system: ``paper``, ``lite``, ``check`` and ``coarse``.

Patches and spacings are in (z,) y, x order. ``paper`` is the published one (docs/method.md). ``lite`` keeps
its topology with narrow stages; it trains on smaller patches and on a fixed schedule, so that two CPU cores
make the demonstration weights in one sitting. ``check`` follows the same rules with few features, small
patches and a handful of iterations: it proves in minutes that data, disk and software go all the way to a
bundle, and its weights are not for use. ``coarse`` is for CTs of low resolution such as OpenKBP's: six organs
and one 3D model, which sees every CT at one spacing.
"""

from dataclasses import dataclass

from hnseg_infer.organs import STRUCTSEG_ORGANS
from hnseg_infer.preprocessing import HUWindow

Organs = tuple[tuple[int, str], ...]
"""Label value and name of each organ."""

STRUCTSEG: Organs = tuple((organ.id, organ.name) for organ in STRUCTSEG_ORGANS)

NOMINAL_SPACING = (3.0, 1.0, 1.0)
"""Slice distance and pixel size (mm) of a StructSeg CT; only their ratio matters, nothing is resampled."""

SMALL_ORGANS = ("optic_chiasm", "pituitary")
"""What the 3D-small model segments and what centres its ROI."""

UNET = "hnseg_infer.networks.unet.UNet"
"""Class path of the first publication's network."""

ADAM, SGD = "adam", "sgd"
"""Optimisers."""

SOFT_TISSUE = HUWindow(low=-100.0, high=300.0, mean=50.0, deviation=75.0)
"""Sets the chiasm off from its cistern by 0.4; in the z-score of an ROI full of bone it is a tenth."""

WHOLE_SLICES = HUWindow(low=-1024.0, high=3071.0, mean=-886.0, deviation=327.0)
HEAD = HUWindow(low=-1024.0, high=3071.0, mean=-629.0, deviation=517.0)
"""All HU, by the mean and deviation of what models see of CTs (benchmarks/results/view_statistics.md).

An image's own would follow the share of air and shoulders in it, which says nothing about the head.
"""

PUBLISHED_2D_ORGANS = frozenset(
    ("lens_left", "lens_right", "optic_nerve_left", "inner_ear_right", "middle_ear_left", "tmj_right")
)
"""What the publication takes from the 2D model; the small organs come from 3D-small, the rest from 3D."""


@dataclass(frozen=True)
class ModelRecipe:
    """One network: what it sees, how wide it is, how it is trained.

    training_patch is the patch of one training sample; patch is the tile at inference and sets the topology.
    spacing: mm (z, y, x) to which what it sees is resampled, None for the CT's own voxels.
    mirror_axes count the patch's axes; the last one (x, left-right) belongs to 3D-small alone.
    balanced: at first all organs weigh the same in the cross-entropy, whatever their size (schedules.py), so
    that a thousand iterations are enough to find the small ones. foreground_fraction: where it is not the
    recipe's; nnU-Net rounds it to whole samples of a batch, so that of two 0.8 would make both. network: its
    class path. hu_window: what it sees of the HU, None for the z-score.
    """

    name: str
    crop: str
    patch: tuple[int, ...]
    training_patch: tuple[int, ...]
    first_features: int
    feature_cap: int
    batch_size: int
    mirror_axes: tuple[int, ...]
    epochs: int
    balanced: bool = False
    foreground_fraction: float | None = None
    spacing: tuple[float, float, float] | None = None
    network: str = UNET
    hu_window: HUWindow | None = None

    @property
    def configuration(self) -> str:
        """nnU-Net's name for the kind of network."""
        return "2d" if len(self.patch) == 2 else "3d_fullres"

    @property
    def label_names(self) -> tuple[str, ...] | None:
        """Organs that the model segments; None means all of the data set's."""
        return SMALL_ORGANS if self.crop == "small_organ_roi" else None


@dataclass(frozen=True)
class Recipe:
    """A training plan: its models and what they have in common.

    optimizer is ADAM or SGD. schedule is ``plateau`` (the publication's, from its 3e-4), ``poly``
    (falls to zero over the given epochs; a few thousand iterations need the higher rate) or ``exponential``
    (the second publication's). checkpoint_every: epochs that an interruption costs at most.
    baseline_features: most features of plain nnU-Net's stages, None for its own default. organs: what the
    data's labels hold and the bundle outlines.
    """

    name: str
    models: tuple[ModelRecipe, ...]
    iterations_per_epoch: int
    learning_rate: float
    schedule: str
    foreground_fraction: float
    elastic_probability: float
    checkpoint_every: int = 5
    baseline_features: int | None = None
    organs: Organs = STRUCTSEG
    optimizer: str = ADAM

    def published_provider(self) -> dict[str, str]:
        """Organ name to the model that the publication took it from; to the first where that is missing."""
        names = [model.name for model in self.models]
        return {
            organ: published if (published := _published(organ)) in names else names[0]
            for _, organ in self.organs
        }


PAPER = Recipe(
    name="paper",
    models=(
        ModelRecipe("2d", "whole", (512, 512), (512, 512), 30, 480, 11, (0,), 1000),
        ModelRecipe("3d", "head_window", (32, 256, 256), (32, 256, 256), 30, 320, 2, (0, 1), 1000),
        ModelRecipe("3d_small", "small_organ_roi", (16, 64, 64), (16, 64, 64), 30, 320, 2, (0, 1, 2), 1000),
    ),
    iterations_per_epoch=250,
    learning_rate=3e-4,
    schedule="plateau",
    foreground_fraction=0.33,
    elastic_probability=0.2,
)

LITE = Recipe(
    name="lite",
    models=(
        ModelRecipe(
            "2d",
            "whole",
            (512, 512),
            (256, 256),
            16,
            192,
            6,
            (),
            36,
            balanced=True,
            hu_window=WHOLE_SLICES,
        ),
        ModelRecipe(
            "3d_small",
            "small_organ_roi",
            (16, 64, 64),
            (16, 64, 64),
            16,
            128,
            4,
            (2,),
            24,
            balanced=True,
            foreground_fraction=0.5,
            hu_window=SOFT_TISSUE,
        ),
        ModelRecipe(
            "3d",
            "head_window",
            (32, 256, 256),
            (16, 128, 128),
            16,
            96,
            2,
            (),
            30,
            balanced=True,
            foreground_fraction=0.5,
            hu_window=HEAD,
        ),
    ),
    iterations_per_epoch=50,
    learning_rate=1e-3,
    schedule="poly",
    foreground_fraction=0.8,
    elastic_probability=0.0,
)

CHECK = Recipe(
    name="check",
    models=(
        ModelRecipe("2d", "whole", (256, 256), (128, 128), 4, 8, 2, (0,), 2),
        ModelRecipe("3d", "head_window", (16, 128, 128), (8, 64, 64), 4, 8, 2, (0, 1), 2),
        ModelRecipe("3d_small", "small_organ_roi", (16, 64, 64), (16, 64, 64), 4, 8, 2, (0, 1, 2), 2),
    ),
    iterations_per_epoch=2,
    learning_rate=3e-4,
    schedule="plateau",
    foreground_fraction=0.33,
    elastic_probability=0.2,
    checkpoint_every=1,
    baseline_features=8,
)

COARSE_MM = (2.5, 4.0, 4.0)
"""Spacing of OpenKBP's CTs, about."""

COARSE_ORGANS = frozenset(
    ("brain_stem", "parotid_left", "parotid_right", "spinal_cord", "mandible_left", "mandible_right")
)

COARSE = Recipe(
    name="coarse",
    models=(
        ModelRecipe(
            "3d", "whole", (32, 128, 128), (32, 64, 64), 16, 160, 4, (), 90, balanced=True, spacing=COARSE_MM
        ),
    ),
    iterations_per_epoch=50,
    learning_rate=1e-3,
    schedule="poly",
    foreground_fraction=0.5,
    elastic_probability=0.2,
    organs=tuple((value, name) for value, name in STRUCTSEG if name in COARSE_ORGANS),
)

RECIPES = {recipe.name: recipe for recipe in (PAPER, LITE, CHECK, COARSE)}


def _published(organ: str) -> str:
    if organ in SMALL_ORGANS:
        return "3d_small"
    return "2d" if organ in PUBLISHED_2D_ORGANS else "3d"

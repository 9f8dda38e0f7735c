"""The second publication's systems: one 2D network that outlines every organ (docs/method.md).

Each is a training plan like any other, in the size of the plan that was asked for. The publication resamples
to 1 x 1 x 3 mm, standardises intensities and trains with SGD from 0.01, exponential decay, batches of 13.
Decided, where it is silent: 2D, as batches of 13 suggest; whole slices; momentum as nnU-Net has it; the rate
falls to a hundredth over the training (schedules.py); the loss and augmentation of system one, which is
nnU-Net's; no mirroring.
"""

from collections.abc import Mapping
from dataclasses import replace

from hnseg_train.recipes import COARSE_MM, SGD, ModelRecipe, Recipe

COMBINED = "combined"
"""System one: the plan's own models."""

NETWORKS: Mapping[str, str] = {
    "nnsam": "hnseg_infer.networks.nnsam_unet.NNSAMUNet",
    "unet": "hnseg_infer.networks.plain_unet.PlainUNet",
    "attention_unet": "hnseg_infer.networks.attention_unet.AttentionUNet",
    "se_unet": "hnseg_infer.networks.se_unet.SEUNet",
}
"""Class path of the only network of each of the others."""

SYSTEMS = (COMBINED, *NETWORKS)

PUBLISHED_MM = (3.0, 1.0, 1.0)
"""Spacing (z, y, x) to which the publication resamples."""

PUBLISHED_BATCH = 13


def _whole_slices(
    patch: int, training_patch: int, features: tuple[int, int], batch: int, epochs: int, balanced: bool
) -> ModelRecipe:
    first, most = features
    return ModelRecipe(
        name="",
        crop="whole",
        patch=(patch, patch),
        training_patch=(training_patch, training_patch),
        first_features=first,
        feature_cap=most,
        batch_size=batch,
        mirror_axes=(),
        epochs=epochs,
        balanced=balanced,
        spacing=PUBLISHED_MM,
    )


_SIZES: Mapping[str, ModelRecipe] = {
    "paper": _whole_slices(512, 512, (32, 512), PUBLISHED_BATCH, 1000, balanced=False),
    "lite": _whole_slices(512, 256, (16, 192), 6, 36, balanced=True),
    "check": _whole_slices(128, 128, (4, 8), 2, 2, balanced=False),
    "coarse": replace(
        _whole_slices(128, 128, (16, 192), PUBLISHED_BATCH, 90, balanced=True), spacing=COARSE_MM
    ),
}
"""The network's size in each plan; it takes its name from the system."""


def system_recipe(plan: Recipe, system: str) -> Recipe:
    """The training plan of a system (one of SYSTEMS) in the size of one of system one's plans."""
    if system == COMBINED:
        return plan
    model = replace(_SIZES[plan.name], name=system, network=NETWORKS[system])
    return replace(
        plan,
        name=f"{system}-{plan.name}",
        models=(model,),
        optimizer=SGD,
        learning_rate=0.01,
        schedule="exponential",
    )

"""How far two runs of the same networks agree, organ by organ, each in its provider's own labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hnseg_infer.bundle import Bundle
from hnseg_infer.loaded_bundle import LoadedBundle
from hnseg_infer.pipeline import run_models
from hnseg_infer.volume import Volume
from hnseg_train.evaluation.table import markdown_table, number

Labels = Mapping[str, NDArray[np.uint8]]
"""Organ ids ``[z, y, x]`` by model name."""


@dataclass(frozen=True)
class OrganAgreement:
    """One organ. voxels: of the reference. same: share of them that the other run labels alike.

    dsc: Dice similarity coefficient of the two. Both are None where the reference, or both, have no voxel.
    """

    name: str
    model: str
    voxels: int
    same: float | None
    dsc: float | None


@dataclass(frozen=True)
class Agreement:
    """A bundle's networks over one CT. nnunet: our labels with nnU-Net's as reference; f32: with ours in
    single precision as reference. nnunet_sums: the precision in which nnU-Net accumulated.
    """

    bundle: str
    trained_on: str
    nnunet_sums: str
    nnunet: tuple[OrganAgreement, ...]
    f32: tuple[OrganAgreement, ...]


def labels_by_model(ct: Volume, loaded: LoadedBundle) -> dict[str, NDArray[np.uint8]]:
    """Organ ids ``[z, y, x]`` of each model on a checked, canonical CT."""
    return {name: result.labels for name, result in run_models(ct, loaded, {})[0].items()}


def compare(reference: Labels, other: Labels, bundle: Bundle) -> tuple[OrganAgreement, ...]:
    """Every organ of the bundle, in its order."""
    return pooled({name: joint_counts(reference[name], other[name]) for name in reference}, bundle)


def pooled(joint: Mapping[str, NDArray[np.int64]], bundle: Bundle) -> tuple[OrganAgreement, ...]:
    """``compare`` from the ``joint_counts`` of each model, of one CT or the sum over several."""
    organs = []
    for organ in bundle.organs:
        model = bundle.provider[organ.id]
        counts = joint[model]
        ours, theirs, both = counts[organ.id].sum(), counts[:, organ.id].sum(), counts[organ.id, organ.id]
        same = float(both / ours) if ours else None
        dsc = float(2 * both / (ours + theirs)) if ours + theirs else None
        organs.append(OrganAgreement(organ.name, model, int(ours), same, dsc))
    return tuple(organs)


def joint_counts(reference: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Voxels by their label in the reference (row) and in the other (column), ``[256, 256]``."""
    counts = np.zeros(256 * 256, np.int64)
    # plane by plane, because bincount works on copies eight times as large
    for plane, opposite in zip(reference, other, strict=True):
        pairs = plane.astype(np.intp) * 256 + opposite
        counts += np.bincount(pairs.ravel(), minlength=256 * 256)
    return counts.reshape(256, 256)


def lowest(organs: Sequence[OrganAgreement]) -> float | None:
    """The smallest share of an organ's voxels that are labelled alike."""
    return min((organ.same for organ in organs if organ.same is not None), default=None)


def overall(organs: Sequence[OrganAgreement]) -> float | None:
    """The share of all organs' voxels together."""
    voxels = sum(organ.voxels for organ in organs)
    return sum((organ.same or 0.0) * organ.voxels for organ in organs) / voxels if voxels else None


def agreement_lines(agreement: Agreement) -> list[str]:
    """Markdown: one line per organ, then all organs together."""

    def cells(organ: OrganAgreement) -> tuple[str, str, str]:
        return str(organ.voxels), number(organ.same, 5), number(organ.dsc, 5)

    rows = [
        (ours.name, ours.model, *cells(theirs), *cells(ours))
        for theirs, ours in zip(agreement.nnunet, agreement.f32, strict=True)
    ]
    together = [("", number(overall(organs), 5), "") for organs in (agreement.nnunet, agreement.f32)]
    rows.append(("**all organs**", "", *together[0], *together[1]))
    columns = ("voxels", "same label", "DSC")
    return [
        f"## Agreement: `{agreement.bundle}`",
        "",
        f"Trained on: {agreement.trained_on}. Reference on the left: nnU-Net's predictor with sums in "
        f"{agreement.nnunet_sums} precision; on the right: HNSeg itself in single precision. Same label: "
        "the share of the reference's voxels of an organ, in the labels of the organ's own model, that HNSeg "
        "gives the same label. Slices that HNSeg leaves out count as background. The small organs' box lies "
        "where the 2D labels put it: nnU-Net gets HNSeg's, in single precision it may be another.",
        "",
        *markdown_table(("organ", "model", *columns, *columns), rows),
        "",
    ]

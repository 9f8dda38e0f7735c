"""Which organs of a case count: those that the mask's bundle offers, where that is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hnseg_infer.organ_names import STRUCTSEG_NAMES, label_name, names_beside
from hnseg_train.evaluation.cases import MaskPair, refuse_unnamed
from hnseg_train.evaluation.metrics import OrganScore, score_case


@dataclass(frozen=True)
class PairScores:
    """The scores of a pair; not_offered: organs of the reference by value that the mask cannot hold."""

    scores: list[OrganScore]
    not_offered: dict[int, str]


def score_pair(pair: MaskPair, organs: Mapping[int, str] | None, only_named: bool) -> PairScores:
    """Score a prediction on the organs that its bundle offers.

    organs: those, by value; None for what the report beside the prediction lists. Where there is none, every
    organ counts, with StructSeg's names. only_named: refuse a label without a name that would be scored.
    Raises InputError for unusable masks.
    """
    offered = names_beside(pair.prediction) if organs is None else organs
    names = STRUCTSEG_NAMES if offered is None else offered
    prediction, reference = pair.read()
    if only_named:
        refuse_unnamed(prediction, pair.sources[0], names)
        if offered is None:
            refuse_unnamed(reference, pair.sources[1], names)
    scores = score_case(prediction, reference, names, sources=pair.sources)
    if offered is None:
        return PairScores(scores, {})
    beyond = [score.id for score in scores if score.id not in offered and not score.in_prediction]
    # StructSeg's names are right for the rest where they are for these
    known = STRUCTSEG_NAMES if offered.items() <= STRUCTSEG_NAMES.items() else {}
    return PairScores(
        [score for score in scores if score.id not in beyond],
        {value: label_name(value, known) for value in beyond},
    )


def not_offered_line(pairs: Iterable[PairScores]) -> list[str]:
    """One line that names what was left out; none where nothing was."""
    left_out = {value: name for pair in pairs for value, name in pair.not_offered.items()}
    if not left_out:
        return []
    names = ", ".join(left_out[value] for value in sorted(left_out))
    return [f"Not offered by the bundle that made the masks, and left out: {names}."]

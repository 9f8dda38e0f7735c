"""Which model provides which organ: derived from DSC on cases that no model was trained on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hnseg_infer.pipeline import load, model_labels
from hnseg_infer.volume import Volume
from hnseg_train.dataset import Case, read_case
from hnseg_train.evaluation.comparison import compare
from hnseg_train.evaluation.metrics import OrganScore, score_case


def derive_provider(bundle: Path, cases: Sequence[Case], published: Mapping[str, str]) -> dict[str, str]:
    """Organ name to the model with the highest mean DSC over ``cases``, each model judged on its own labels.

    ``published`` (organ name to model) wins within comparison.MARGIN. Prints one line per organ.
    """
    loaded = load(bundle, "auto")
    organs = {organ.id: organ.name for organ in loaded.bundle.organs}
    known = {model.name: model.organ_ids for model in loaded.bundle.models}
    scores: dict[str, dict[str, list[OrganScore]]] = {model: {} for model in known}
    for case in cases:
        ct, reference = read_case(case)
        labels, _ = model_labels(ct, loaded, {})
        for model, array in labels.items():
            of_case = score_case(Volume(array, ct.geometry), Volume(reference, ct.geometry), organs)
            scores[model][case.name] = [score for score in of_case if score.id in known[model]]
    comparison = compare(scores, published)
    for organ in comparison.organs:
        figures = ", ".join(
            f"{model} {summary.dsc.mean:.3f}" for model, summary in organ.by_model.items() if summary.dsc
        )
        print(f"{organ.name}: {organ.provider} ({figures})")
    return {organ: comparison.provider.get(organ, published[organ]) for organ in organs.values()}

"""Which model provides which organ: derived from DSC on cases that no model was trained on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hnseg_infer.pipeline import load, model_labels
from hnseg_infer.volume import Volume
from hnseg_train.dataset import Case, read_case
from hnseg_train.evaluation.cohort import summarise_organs
from hnseg_train.evaluation.metrics import OrganScore, score_case

MARGIN = 0.005
"""The published provider keeps an organ unless another model's mean DSC is higher by more than this."""


def derive_provider(bundle: Path, cases: Sequence[Case], published: Mapping[str, str]) -> dict[str, str]:
    """Organ name to the model with the highest mean DSC over ``cases``, each model judged on its own labels.

    ``published`` (organ name to model) wins within MARGIN. Prints one line per organ.
    """
    loaded = load(bundle, "auto")
    organs = {organ.id: organ.name for organ in loaded.bundle.organs}
    scores: dict[str, list[list[OrganScore]]] = {model.name: [] for model in loaded.bundle.models}
    for case in cases:
        ct, reference = read_case(case)
        labels, _ = model_labels(ct, loaded, {})
        for name, array in labels.items():
            scores[name].append(
                score_case(Volume(array, ct.geometry), Volume(reference, ct.geometry), organs)
            )
    dsc: dict[str, dict[str, float]] = {organ: {} for organ in organs.values()}
    for model in loaded.bundle.models:
        for summary in summarise_organs(scores[model.name]):
            if summary.id in model.organ_ids and summary.dsc is not None:
                dsc[summary.name][model.name] = summary.dsc.mean
    provider = {organ: choose(by_model, published[organ]) for organ, by_model in dsc.items()}
    for organ, by_model in dsc.items():
        figures = ", ".join(f"{model} {value:.3f}" for model, value in by_model.items())
        print(f"{organ}: {provider[organ]} ({figures})")
    return provider


def choose(dsc_by_model: Mapping[str, float], published: str) -> str:
    """The best model; the published one where no other is better by more than MARGIN."""
    best = max(dsc_by_model, key=lambda name: dsc_by_model[name], default=published)
    return best if dsc_by_model.get(best, 0.0) > dsc_by_model.get(published, 0.0) + MARGIN else published

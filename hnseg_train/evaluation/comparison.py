"""Several models scored on the same cases: which provides which organ, by how much, and how sure that is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from hnseg_infer.errors import InputError
from hnseg_train.evaluation.cohort import Cases, OrganSummary, summarise_organs
from hnseg_train.evaluation.metrics import OrganScore

MARGIN = 0.005
"""The published provider keeps an organ unless another model's mean DSC is higher by more than this."""

LEAST_PAIRS = 6
"""With fewer unequal pairs no outcome of a two-sided signed-rank test falls below 0.05, so no p is given."""

PAIR_DIGITS = 6
"""Differences of DSC are compared at so many decimals: a DSC in single precision has no more."""


class Group(NamedTuple):
    """Where cases come from, and how much that counts beside other groups."""

    name: str = ""
    share: float = 1.0


@dataclass(frozen=True)
class OrganChoice:
    """One organ: every model's figures, and the choice between the models.

    by_model: summary by the name of each model that was scored on the organ. provider: None when no
    candidate has a score and none is published. runner_up: the best other candidate; margin: the provider's
    mean DSC (of the groups, where there are some) minus the runner-up's, negative where the published model
    keeps an organ; p: of the Wilcoxon signed-rank test between the two. All three None where there is no
    other model.
    """

    id: int
    name: str
    by_model: Mapping[str, OrganSummary]
    provider: str | None
    runner_up: str | None
    margin: float | None
    p: float | None
    reason: str


@dataclass(frozen=True)
class Comparison:
    """The models in the given order, the organs by label value, and the combination's scores by case."""

    models: tuple[str, ...]
    organs: tuple[OrganChoice, ...]
    combined: Cases

    @property
    def provider(self) -> dict[str, str]:
        """Model by organ name; organs without a provider are left out."""
        return {organ.name: organ.provider for organ in self.organs if organ.provider is not None}


def compare(
    scores_by_model: Mapping[str, Cases],
    published: Mapping[str, str] | None = None,
    candidates: Collection[str] | None = None,
    groups: Mapping[str, Group] | None = None,
) -> Comparison:
    """Choose each organ's provider by mean DSC over the cases whose reference holds the organ.

    scores_by_model: for each model the scores of every case, of the organs that the model knows (an organ it
    was never trained on would count as missed). published: organ name to the model that keeps the organ
    within MARGIN. candidates: the models that may provide an organ, all by default; the others, a baseline
    say, are only shown beside them. groups: where a case comes from; the DSC to choose by is then the mean of
    the groups' means, by share, so that no group decides by its number of cases. The combination holds the
    providers' scores as they are, before small organs are painted over large ones. Raises InputError when the
    models were not scored on the same cases.
    """
    models = tuple(scores_by_model)
    for model in models[1:]:
        if scores_by_model[model].keys() != scores_by_model[models[0]].keys():
            raise InputError(
                f"Model {model} was scored on {len(scores_by_model[model])} cases that are not the "
                f"{len(scores_by_model[models[0]])} of model {models[0]}; the same cases are needed for all."
            )
    summaries = {
        model: {summary.id: summary for summary in summarise_organs(cases.values())}
        for model, cases in scores_by_model.items()
    }
    organs = tuple(
        _choose_organ(
            {model: summaries[model][value] for model in models if value in summaries[model]},
            {model: _dsc(scores_by_model[model], value) for model in models},
            published or {},
            models if candidates is None else candidates,
            groups or {},
        )
        for value in sorted({value for of_model in summaries.values() for value in of_model})
    )
    return Comparison(
        models, organs, _combine(scores_by_model, {organ.id: organ.provider for organ in organs})
    )


def choose(dsc_by_model: Mapping[str, float], published: str | None = None) -> str | None:
    """The model with the highest mean DSC, of equal ones the first.

    The published one stays where no other is better by more than MARGIN, and where nothing was scored.
    """
    best = max(dsc_by_model, key=lambda model: dsc_by_model[model], default=published)
    if best is None or published is None or published not in dsc_by_model:
        return best
    return best if dsc_by_model[best] > dsc_by_model[published] + MARGIN else published


def mean_by_group(values: Mapping[str, float], groups: Mapping[str, Group]) -> float:
    """Mean of the groups' means, weighted by share; cases without a group are one together.

    values: one or more, by case.
    """
    by_group: dict[Group, list[float]] = {}
    for case, value in values.items():
        by_group.setdefault(groups.get(case, Group()), []).append(value)
    weighed = [(group.share, fmean(of_group)) for group, of_group in by_group.items()]
    return sum(share * mean for share, mean in weighed) / sum(share for share, _ in weighed)


def signed_rank_p(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Two-sided p of Wilcoxon's signed-rank test on paired values.

    Equal pairs are dropped, as Wilcoxon did; None when fewer than LEAST_PAIRS are left. Exact up to 50
    pairs, or 13 where differences tie; beyond that by the normal approximation.
    """
    from scipy.stats import wilcoxon

    differences = [round(a - b, PAIR_DIGITS) for a, b in zip(first, second, strict=True)]
    unequal = [difference for difference in differences if difference != 0]
    if len(unequal) < LEAST_PAIRS:
        return None
    return float(wilcoxon(unequal, alternative="two-sided", method="auto").pvalue)


def _choose_organ(
    by_model: Mapping[str, OrganSummary],
    dsc: Mapping[str, Mapping[str, float]],
    published: Mapping[str, str],
    candidates: Collection[str],
    groups: Mapping[str, Group],
) -> OrganChoice:
    """dsc: by model and case."""
    some = next(iter(by_model.values()))
    means = {
        model: mean_by_group(dsc[model], groups) for model in by_model if model in candidates and dsc[model]
    }
    keeper = published.get(some.name)
    provider = choose(means, keeper)
    others = {model: mean for model, mean in means.items() if model != provider}
    if provider not in means:
        return OrganChoice(some.id, some.name, by_model, provider, None, None, None, "not scored")
    runner_up = choose(others)
    if any(dsc[model].keys() != dsc[provider].keys() for model in others):
        raise InputError(
            f"The models were scored on {some.name} in different cases; the same ones are needed."
        )
    if runner_up is None:
        return OrganChoice(some.id, some.name, by_model, provider, None, None, None, "the only model")
    margin = means[provider] - means[runner_up]
    kept = provider == keeper and margin <= MARGIN
    pairs = [(dsc[provider][case], dsc[runner_up][case]) for case in dsc[provider]]
    return OrganChoice(
        id=some.id,
        name=some.name,
        by_model=by_model,
        provider=provider,
        runner_up=runner_up,
        margin=margin,
        p=signed_rank_p([a for a, _ in pairs], [b for _, b in pairs]),
        reason=f"published, no other better by more than {MARGIN}" if kept else "highest DSC",
    )


def _combine(scores_by_model: Mapping[str, Cases], provider: Mapping[int, str | None]) -> Cases:
    """In every case each organ's score of its provider, by label value."""
    combined: dict[str, list[OrganScore]] = {}
    for model, cases in scores_by_model.items():
        for case, scores in cases.items():
            combined.setdefault(case, []).extend(score for score in scores if provider[score.id] == model)
    return {case: sorted(scores, key=lambda score: score.id) for case, scores in combined.items()}


def _dsc(cases: Cases, value: int) -> dict[str, float]:
    """DSC by case, of the cases whose reference holds the organ."""
    return {
        case: score.dsc
        for case, scores in cases.items()
        for score in scores
        if score.id == value and score.dsc is not None
    }

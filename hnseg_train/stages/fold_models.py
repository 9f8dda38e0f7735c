"""The models of one fold as inference runs them: exported to a bundle, loaded, applied to unseen cases.

Labels are ``[z, y, x]`` in canonical orientation.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from hnseg_infer.checks import NOT_IN_VIEW, check_ct
from hnseg_infer.formats import read_ct
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.model_run import ModelResult, nothing_found
from hnseg_infer.pipeline import run_models
from hnseg_infer.volume import Volume, to_canonical
from hnseg_train.cases import Case
from hnseg_train.export import export_bundle
from hnseg_train.stages.road import Road


def export_fold(
    road: Road,
    fold: int,
    names: tuple[str, ...],
    folder: Path,
    provider: Mapping[str, str] | None = None,
    without_strays: Collection[str] = (),
) -> Path:
    """Write a fold's models as a bundle; each organ from its published provider, or the first model."""
    recipe = replace(road.recipe, models=tuple(m for m in road.recipe.models if m.name in names))
    export_bundle(
        road.work,
        recipe,
        folder,
        trained_on=f"{road.settings.trained_on}, all but fold {fold}",
        cases=len(road.cases) - len(road.folds[fold]),
        provider=provider or recipe.published_provider(),
        fold=fold,
        without_strays=without_strays,
        spacing=road.trained_spacing,
    )
    return folder


@lru_cache(maxsize=1)
def load_fold(road: Road, fold: int, names: tuple[str, ...]) -> LoadedBundle:
    """A fold's models ready to run; the last ones asked for are kept."""
    folder = road.work / "bundles" / f"{'_'.join(names)}_fold_{fold}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    return load(export_fold(road, fold, names, folder), road.settings.device)


def results_by_model(case: Case, loaded: LoadedBundle) -> tuple[Volume, dict[str, ModelResult]]:
    """The checked CT, and each model's own organs on its grid, found as the pipeline finds them."""
    ct, warnings = check_ct(to_canonical(read_ct(case.ct)), str(case.ct))
    if any(warning.code == NOT_IN_VIEW for warning in warnings):
        return ct, {model.name: nothing_found(ct) for model in loaded.bundle.models}
    results, _ = run_models(ct, loaded, {})
    return ct, results

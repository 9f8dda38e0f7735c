"""Stage ``predictions``: every case segmented by models that have not seen it, one label file per model.

Beside the labels lies how sure the models were: mean entropy (bits) per model and organ.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from hnseg_infer.formats import read_ct, write
from hnseg_infer.volume import from_canonical
from hnseg_train.stages.engine import Item, Stage
from hnseg_train.stages.fold_models import load_fold, results_by_model
from hnseg_train.stages.networks import fold_item, folds_stage_name
from hnseg_train.stages.plain_nnunet import BESIDE, baselines, predict
from hnseg_train.stages.road import Road, write_json

PREDICTIONS = "predictions"


def predictions_stage(road: Road) -> Stage:
    """Each of the recipe's models on each held-out case, as the bundle would run them."""
    names = tuple(model.name for model in road.recipe.models)

    def items() -> Iterator[Item]:
        for fold, held_out in enumerate(road.folds):
            weights = {
                name: road.ledger.result(folds_stage_name(name), fold_item(name, fold)) for name in names
            }
            for case in held_out:
                inputs = {**road.case_inputs(case), "weights": weights, "measured": "entropy"}
                yield Item(case, inputs, partial(_predict, road, case, fold, names))
        for case in sorted(road.cases) if road.settings.baseline else ():
            weights = {
                name: road.ledger.result(folds_stage_name(BESIDE[name]), fold_item(name, road.fold_of(case)))
                for name in baselines(road)
            }
            files = {name: prediction_file(road, name, case) for name in baselines(road)}
            inputs = {**road.case_inputs(case), "weights": weights}
            yield Item(baseline_item(case), inputs, partial(predict, road, case, files))

    needs = tuple(folds_stage_name(name) for name in names)
    return Stage(PREDICTIONS, needs, "WORK/predictions/<model>/<case>.nii.gz", items)


def baseline_item(case: str) -> str:
    """The item that holds the baseline's part of a case."""
    return f"{case}_nnunet"


def prediction_file(road: Road, model: str, case: str) -> Path:
    """Where a model's labels of a case lie: its own organs by id, on the CT's grid."""
    return road.work / "predictions" / model / f"{case}.nii.gz"


def read_entropies(road: Road, case: str) -> dict[str, dict[str, float]]:
    """Mean entropy in bits by model and organ; an organ that a model did not find is missing."""
    found: dict[str, dict[str, float]] = json.loads(_entropy_file(road, case).read_bytes())
    return found


def _predict(road: Road, case: str, fold: int, names: tuple[str, ...]) -> Sequence[Path]:
    _, results = results_by_model(road.cases[case], load_fold(road, fold, names))
    geometry = read_ct(road.cases[case].ct).geometry
    organs = dict(road.recipe.organs)
    files = []
    for model, result in results.items():
        files.append(prediction_file(road, model, case))
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        write(from_canonical(result.labels, geometry), files[-1])
    entropies = {
        model: {organs[organ]: round(bits, 4) for organ, bits in result.entropy.items()}
        for model, result in results.items()
    }
    return [*files, write_json(_entropy_file(road, case), entropies)]


def _entropy_file(road: Road, case: str) -> Path:
    return road.work / "predictions" / "entropy" / f"{case}.json"

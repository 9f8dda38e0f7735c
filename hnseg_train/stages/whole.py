"""The stages of one training in their order."""

from hnseg_train.stages.bundle import export_stage, verify_stage
from hnseg_train.stages.centers import roi_centers_stage
from hnseg_train.stages.data import data_check_stage, preprocess_stage
from hnseg_train.stages.engine import Stage
from hnseg_train.stages.networks import final_models_stage, folds_stage
from hnseg_train.stages.predictions import predictions_stage
from hnseg_train.stages.road import Road
from hnseg_train.stages.tables import combination_stage, tables_stage


def all_stages(road: Road) -> list[Stage]:
    """From the data check to the verified bundle."""
    small = [model for model in road.recipe.models if model.crop == "small_organ_roi"]
    first, *others = (model for model in road.recipe.models if model not in small)
    return [
        data_check_stage(road),
        preprocess_stage(road),
        folds_stage(road, first),
        *(roi_centers_stage(road, model) for model in small),
        *(folds_stage(road, model) for model in (*others, *small)),
        predictions_stage(road),
        tables_stage(road),
        combination_stage(road),
        final_models_stage(road),
        export_stage(road),
        verify_stage(road),
    ]

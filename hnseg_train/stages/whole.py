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
    models = {model.name: model for model in road.recipe.models}
    return [
        data_check_stage(road),
        preprocess_stage(road),
        folds_stage(road, models["2d"]),
        roi_centers_stage(road, models["3d_small"]),
        folds_stage(road, models["3d"]),
        folds_stage(road, models["3d_small"]),
        predictions_stage(road),
        tables_stage(road),
        combination_stage(road),
        final_models_stage(road),
        export_stage(road),
        verify_stage(road),
    ]

"""The plan for CTs of low resolution, with few features: six organs, its own spacing, partial contours."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_cohort import write_cohort

from hnseg_infer.bundle import load_bundle
from hnseg_infer.formats import read_ct, read_labels, write
from hnseg_infer.pipeline import segment
from hnseg_infer.volume import Volume
from hnseg_train.recipes import COARSE
from hnseg_train.stages.engine import run_stages
from hnseg_train.stages.records import Ledger
from hnseg_train.stages.road import Road, Settings
from hnseg_train.stages.whole import all_stages

NARROW = {"first_features": 4, "feature_cap": 8, "epochs": 1, "batch_size": 2}

TINY = replace(
    COARSE,
    name="tiny",
    models=tuple(
        replace(
            model, patch=patch, training_patch=patch, first_features=4, feature_cap=8, epochs=1, batch_size=2
        )
        for model, patch in zip(COARSE.models, ((64, 64), (16, 64, 64)), strict=True)
    ),
    iterations_per_epoch=1,
)


@pytest.mark.slow
def test_the_road_to_a_bundle_with_six_organs(tmp_path: Path) -> None:
    data = write_cohort(tmp_path / "data", cases=4)
    ids = [value for value, _ in TINY.organs]
    for number in range(1, 5):
        file = data / f"case_{number}" / "label.nii.gz"
        labels = read_labels(file)
        kept = np.where(np.isin(labels.array, ids if number < 4 else ids[1:]), labels.array, 0)
        write(Volume(kept.astype(np.uint8), labels.geometry), file)
    others = [name for value, name in TINY.organs if value != ids[0]]
    (data / "case_4" / "contoured.json").write_text(json.dumps({"organs": others}))

    settings = Settings(data, tmp_path / "work", TINY, tmp_path / "bundle", folds=2, trained_on="ellipsoids")
    road = Road(settings, Ledger(settings.work), lambda line: None)
    stages = all_stages(road)
    run_stages(stages, road.ledger, [], road.say)
    assert [stage.name for stage in stages[2:5]] == ["2d-folds", "3d-folds", "predictions"]
    check = json.loads((settings.work / "data_check" / "data_check.json").read_text())
    assert "organs_absent" not in json.dumps(check)

    bundle = load_bundle(settings.bundle)
    assert [organ.id for organ in bundle.organs] == ids
    assert {model.spacing for model in bundle.models} == {(2.5, 4.0, 4.0)}
    ct = read_ct(data / "case_1" / "data.nii.gz")
    prediction = segment(ct, bundle=bundle, device="cpu")
    assert prediction.labels.geometry == ct.geometry
    assert set(np.unique(prediction.labels.array)) <= {0, *ids}

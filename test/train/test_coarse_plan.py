"""The plan for CTs of low resolution, with few features: six organs, its own spacing, partial contours.

A 2D model is added, as a model that provides no organ stays at home.
"""

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
from hnseg_train.cases import Source
from hnseg_train.recipes import COARSE
from hnseg_train.stages.engine import run_stages
from hnseg_train.stages.records import Ledger
from hnseg_train.stages.road import Road, Settings
from hnseg_train.stages.whole import all_stages

SMALL = (16, 64, 64)

NARROW = {
    "first_features": 4,
    "feature_cap": 8,
    "epochs": 1,
    "batch_size": 2,
}

NARROW_3D = replace(COARSE.models[0], patch=SMALL, training_patch=SMALL, **NARROW)

TINY = replace(
    COARSE,
    name="tiny",
    models=(replace(NARROW_3D, name="2d", patch=SMALL[1:], training_patch=SMALL[1:]), NARROW_3D),
    iterations_per_epoch=1,
)


@pytest.mark.slow
def test_the_road_to_a_bundle_with_six_organs(tmp_path: Path) -> None:
    first, second = (write_cohort(tmp_path / name, cases=2) for name in ("first", "second"))
    ids = [value for value, _ in TINY.organs]
    for data, contoured in ((first, ids), (second, ids[1:])):
        for file in data.glob("*/label.nii.gz"):
            labels = read_labels(file)
            kept = np.where(np.isin(labels.array, contoured), labels.array, 0)
            write(Volume(kept.astype(np.uint8), labels.geometry), file)
    others = tuple(name for value, name in TINY.organs if value != ids[0])

    sources = (Source("a", first, share=3, variants=1), Source("b", second, contoured=others))
    settings = Settings(sources, tmp_path / "work", TINY, tmp_path / "bundle", 2, trained_on="ellipsoids")
    road = Road(settings, Ledger(settings.work), lambda line: None)
    stages = all_stages(road)
    run_stages(stages, road.ledger, [], road.say)
    assert "roi-centres" not in {stage.name for stage in stages}
    for source in "ab":
        check = json.loads((settings.work / "data_check" / source / "data_check.json").read_text())
        assert "organs_absent" not in json.dumps(check)

    # one case of each source a fold, its variant with it; variants are trained on and not scored
    dataset = settings.work / "preprocessed" / "hnseg_3d"
    for fold in json.loads((dataset / "splits_final.json").read_text()):
        for case in ("a_case_1", "a_case_2"):
            of_case = {f"{case}_0", f"{case}_v0_0"}
            assert of_case <= set(fold["train"]) or of_case <= set(fold["val"])
        assert {name[0] for name in fold["val"]} == {"a", "b"}
    names = {f"{source}_case_{number}.nii.gz" for source in "ab" for number in (1, 2)}
    assert {path.name for path in (settings.work / "predictions" / "3d").iterdir()} == names
    assert (settings.work / "tables" / "by_source" / "b" / "fused" / "organs.csv").is_file()
    card = (settings.bundle / "CARD.md").read_text()
    assert "a: 2 cases and 1 altered copies of each, 75% of the samples" in card
    assert "b: 2 cases, 25% of the samples" in card

    bundle = load_bundle(settings.bundle)
    assert [organ.id for organ in bundle.organs] == ids
    assert {model.spacing for model in bundle.models} == {(2.5, 4.0, 4.0)}
    assert {model.name for model in bundle.models} == set(bundle.provider.values())
    ct = read_ct(first / "case_1" / "data.nii.gz")
    prediction = segment(ct, bundle=bundle, device="cpu")
    assert prediction.labels.geometry == ct.geometry
    assert set(np.unique(prediction.labels.array)) <= {0, *ids}

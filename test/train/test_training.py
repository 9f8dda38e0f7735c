"""The whole training road on one tiny case: three models, an interruption, a bundle that inference runs."""

from dataclasses import replace

import numpy as np
import pytest

from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import InputError
from hnseg_infer.formats import write
from hnseg_infer.pipeline import segment
from hnseg_infer.volume import Volume
from hnseg_train.dataset import find_cases
from hnseg_train.export import export_bundle, published_provider
from hnseg_train.recipes import LITE
from hnseg_train.training import final_checkpoint, train

PATCHES = {"2d": (64, 64), "3d": (16, 32, 32), "3d_small": (8, 16, 16)}
TINY = replace(
    LITE,
    models=tuple(
        replace(
            model,
            patch=PATCHES[model.name],
            training_patch=PATCHES[model.name],
            first_features=4,
            feature_cap=8,
            batch_size=2,
            epochs=6,
        )
        for model in LITE.models
    ),
    iterations_per_epoch=1,
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory, small_head):
    folder = tmp_path_factory.mktemp("cohort")
    labels = np.zeros(small_head.array.shape, dtype=np.uint8)
    labels[20:24, 34:42, 28:36] = 1
    labels[22, 38:42, 30:34] = 8
    labels[20, 38:40, 31:33] = 11
    (folder / "1").mkdir()
    write(small_head, folder / "1" / "data.nii.gz")
    write(Volume(labels, small_head.geometry), folder / "1" / "label.nii.gz")
    return find_cases(folder)


@pytest.mark.slow
def test_train_interrupt_resume_export_segment(cohort, small_head, tmp_path, monkeypatch) -> None:
    from hnseg_train.trainer import HNSegTrainer

    with pytest.raises(InputError, match="2d"):
        export_bundle(tmp_path, TINY, tmp_path / "bundle", trained_on="one head", cases=1, provider={})

    class PowerCutError(Exception):
        """Stands for the end of the process at any moment."""

    began: list[int] = []
    start = HNSegTrainer.on_epoch_start

    def start_or_stop(trainer: HNSegTrainer) -> None:
        began.append(trainer.current_epoch)
        if len(began) == 6:
            raise PowerCutError
        start(trainer)

    monkeypatch.setattr(HNSegTrainer, "on_epoch_start", start_or_stop)
    with pytest.raises(PowerCutError):
        train(tmp_path, TINY, cohort, "cpu", ["2d"])
    assert not final_checkpoint(tmp_path, TINY, TINY.models[0]).exists()
    train(tmp_path, TINY, cohort, "cpu", ["2d", "3d", "3d_small"])
    # a checkpoint is kept after every fifth epoch, so the sixth is the only one done again
    assert began[:7] == [0, 1, 2, 3, 4, 5, 5]

    finished = len(began)
    train(tmp_path, TINY, cohort, "cpu", ["2d", "3d", "3d_small"])
    assert len(began) == finished

    bundle = tmp_path / "bundle"
    export_bundle(tmp_path, TINY, bundle, trained_on="one head", cases=1, provider=published_provider())
    prediction = segment(small_head, bundle=bundle, device="cpu")
    assert prediction.trained_on == "one head"
    assert prediction.labels.geometry == small_head.geometry
    assert {organ.provider for organ in prediction.organs} == {"2d", "3d", "3d_small"}
    weights = load_bundle(bundle).models[0].network.weights
    assert weights["encoder.stages.0.0.0.weight"].numel() == 4 * 9


def test_a_folder_of_something_else_is_never_replaced(tmp_path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no bundle"):
        export_bundle(tmp_path, TINY, tmp_path / "home", trained_on="", cases=1, provider={})
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"

"""One training: interrupted and resumed, its checkpoints, and the bundle that is exported from several."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hnseg_infer.bundle import load_bundle
from hnseg_infer.errors import InputError
from hnseg_infer.volume import Volume
from hnseg_train.dataset import write_samples
from hnseg_train.export import export_bundle
from hnseg_train.recipes import LITE
from hnseg_train.training import FINAL, LATEST, WEIGHTS, recipe_job, set_nnunet_folders, train

SMALL = next(model for model in LITE.models if model.name == "3d_small")
TINY_MODEL = replace(
    SMALL, patch=(8, 16, 16), training_patch=(8, 16, 16), first_features=4, feature_cap=8, epochs=6
)
TINY = replace(LITE, name="tiny", models=(TINY_MODEL,), iterations_per_epoch=1)
JOB = recipe_job(TINY, TINY_MODEL, "all", 1)


class PowerCutError(Exception):
    """Stands for the end of the process at any moment."""


@pytest.fixture
def work(tmp_path: Path, small_head: Volume) -> Path:
    """A work folder with the samples of one case."""
    labels = np.zeros(small_head.array.shape, dtype=np.uint8)
    labels[22, 38:42, 30:34] = 8
    labels[20, 38:40, 31:33] = 11
    write_samples("1", small_head, labels, TINY_MODEL, tmp_path / "preprocessed")
    return tmp_path


def ready_trainer(work: Path) -> Any:
    """The trainer before its first iteration, loading in this process."""
    from hnseg_train.trainer import HNSegTrainer

    set_nnunet_folders(work)
    os.environ.update(nnUNet_n_proc_DA="0")
    plans = {**JOB.plans, "continue_training": False}
    trainer = HNSegTrainer(plans, JOB.configuration, "all", dict(JOB.dataset), torch.device("cpu"))
    trainer.initialize()
    trainer.on_train_start()
    return trainer


def checksum(work: Path) -> str:
    return (JOB.folder(work) / WEIGHTS).read_text()


@pytest.mark.slow
def test_an_interrupted_training_ends_with_the_weights_of_an_uninterrupted_one(work: Path) -> None:
    epochs: list[int] = []

    def stop_in_the_last_epoch(report) -> None:
        epochs.append(report.epoch)
        if len(epochs) == 6:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        train(work, JOB, "cpu", 0, stop_in_the_last_epoch)
    folder = JOB.folder(work)
    assert (folder / LATEST).is_file()
    assert not (folder / FINAL).exists()
    assert train(work, JOB, "cpu", 0, stop_in_the_last_epoch) == [folder / FINAL, folder / WEIGHTS]
    # a checkpoint is kept after every fifth epoch, so the sixth is the only one done again
    assert epochs == [1, 2, 3, 4, 5, 6, 6]
    assert not (folder / LATEST).exists()
    assert (folder / "progress.png").is_file()

    resumed = checksum(work)
    train(work, JOB, "cpu", 0, stop_in_the_last_epoch)
    assert len(epochs) == 7
    for name in (FINAL, WEIGHTS):
        os.remove(folder / name)
    train(work, JOB, "cpu", 0, lambda report: None)
    assert checksum(work) == resumed


def test_a_checkpoint_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    from hnseg_train.resumable_trainer import ResumableTrainer

    def save_half(self, filename: str) -> None:
        Path(filename).write_bytes(b"half")
        raise PowerCutError

    (tmp_path / LATEST).write_bytes(b"whole")
    trainer = ResumableTrainer.__new__(ResumableTrainer)
    trainer.local_rank = 0
    monkeypatch.setattr(nnUNetTrainer, "save_checkpoint", save_half)
    with pytest.raises(PowerCutError):
        trainer.save_checkpoint(str(tmp_path / LATEST))
    assert (tmp_path / LATEST).read_bytes() == b"whole"


def write_checkpoint(work: Path) -> None:
    """What a finished training of the one model would leave."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    architecture = JOB.settings["architecture"]
    network = get_network_from_plans(
        architecture["network_class_name"],
        architecture["arch_kwargs"],
        architecture["_kw_requires_import"],
        1,
        23,
        deep_supervision=True,
    )
    JOB.folder(work).mkdir(parents=True)
    torch.save({"network_weights": network.state_dict()}, JOB.folder(work) / FINAL)


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A function that exports the tiny plan's only model, which sees the whole CT here, to a folder."""
    whole = replace(TINY_MODEL, crop="whole")
    recipe = replace(TINY, models=(whole,))
    write_checkpoint(tmp_path / "work")

    def export(bundle: Path, **options) -> None:
        provider = dict.fromkeys(LITE.published_provider(), whole.name)
        options = {"trained_on": "one head", "cases": 1, "provider": provider, **options}
        export_bundle(tmp_path / "work", recipe, bundle, **options)

    return export


def test_a_card_is_part_of_the_bundle(exported, tmp_path: Path) -> None:
    exported(tmp_path / "bundle", card=({"plan": "tiny"}, "# Card\n"))
    assert (tmp_path / "bundle" / "CARD.md").read_text() == "# Card\n"
    assert load_bundle(tmp_path / "bundle").trained_on == "one head"
    (tmp_path / "bundle" / "CARD.md").write_text("# Better card\n")
    with pytest.raises(Exception, match=r"CARD\.md was altered"):
        load_bundle(tmp_path / "bundle")


def test_an_interrupted_export_is_made_good(exported, tmp_path: Path, monkeypatch) -> None:
    bundle = tmp_path / "bundle"
    exported(bundle)
    replace_folder = os.replace

    def stop_at_the_bundle(source, target) -> None:
        if Path(target) == bundle:
            raise PowerCutError
        replace_folder(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", stop_at_the_bundle)
        with pytest.raises(PowerCutError):
            exported(bundle, trained_on="two heads")
    assert not bundle.exists()
    exported(bundle, trained_on="two heads")
    assert load_bundle(bundle).trained_on == "two heads"
    assert {path.name for path in tmp_path.iterdir()} == {"bundle", "work"}


def test_an_untrained_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3d_small"):
        export_bundle(tmp_path, TINY, tmp_path / "bundle", trained_on="", cases=1, provider={})


def test_a_folder_of_something_else_is_never_replaced(exported, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no bundle"):
        exported(tmp_path / "home")
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


def test_a_balanced_training_starts_near_the_weighed_shares(work: Path) -> None:
    trainer = ready_trainer(work)
    counts = trainer.class_voxels
    # chiasm of 16 voxels, pituitary of 4: seen in samples that may cut them off
    assert counts[0] > counts[1] > counts[2] > 0
    with torch.no_grad():
        finest = trainer.network(torch.randn(4, 1, 8, 16, 16))[0].softmax(1).mean((0, 2, 3, 4))
    # both organs weigh as much as the larger one has voxels
    expected = np.array([counts[0], counts[1], counts[1]]) / (counts[0] + 2 * counts[1])
    np.testing.assert_allclose(finest, expected, rtol=0.3)


def test_the_loss_is_told_what_nobody_contoured(tmp_path: Path, small_head: Volume) -> None:
    labels = np.zeros(small_head.array.shape, dtype=np.uint8)
    labels[22, 38:42, 30:34] = 8
    write_samples(
        "1", small_head, labels, TINY_MODEL, tmp_path / "preprocessed", uncontoured=("pituitary", "eye_left")
    )
    trainer = ready_trainer(tmp_path)
    seen = []

    def loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        seen.append(trainer.loss.loss.unknown)
        return logits.mean()

    trainer.loss.loss.forward = loss
    trainer.train_step(next(trainer.dataloader_train))
    # of the model's classes background, chiasm and pituitary the last is unknown in all four samples
    assert seen[0].tolist() == [[False, False, True]] * 4
    trainer.unknown = {}
    trainer.validation_step(next(trainer.dataloader_val))
    assert seen[-1] is None

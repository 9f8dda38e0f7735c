"""The provider derived from a bundle's models, with stand-ins for the networks and the files."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hnseg_infer.volume import Geometry, Volume
from hnseg_train import combination
from hnseg_train.dataset import Case

GRID = Geometry((4, 10, 10), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
PUBLISHED = {"brain_stem": "3d", "optic_chiasm": "3d_small", "pituitary": "3d_small"}


def labels(stem: int, chiasm: int) -> np.ndarray:
    """The first ``stem`` and ``chiasm`` of ten columns of each organ."""
    array = np.zeros(GRID.shape, np.uint8)
    array[0, :, :stem] = 1
    array[2, :, :chiasm] = 8
    return array


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """What each model finds; the reference holds all ten columns and no pituitary."""
    organs = [
        SimpleNamespace(id=1, name="brain_stem"),
        SimpleNamespace(id=8, name="optic_chiasm"),
        SimpleNamespace(id=11, name="pituitary"),
    ]
    known = {"2d": (1, 8, 11), "3d": (1, 8, 11), "3d_small": (8, 11)}
    bundle = SimpleNamespace(
        organs=organs,
        models=[SimpleNamespace(name=name, organ_ids=organ_ids) for name, organ_ids in known.items()],
    )
    found = {"2d": labels(8, 7), "3d": labels(6, 5), "3d_small": labels(0, 6)}
    case = Volume(np.zeros(GRID.shape, np.int16), GRID), labels(10, 10)
    monkeypatch.setattr(combination, "load", lambda folder, device: SimpleNamespace(bundle=bundle))
    monkeypatch.setattr(combination, "model_labels", lambda ct, loaded, seconds: (found, []))
    monkeypatch.setattr(combination, "read_case", lambda case: case_of(case))

    def case_of(_: Case) -> tuple[Volume, np.ndarray]:
        return case

    return found


def derive() -> dict[str, str]:
    case = Case("one", Path("data.nii.gz"), Path("label.nii.gz"))
    return combination.derive_provider(Path("bundle"), [case], PUBLISHED)


@pytest.mark.usefixtures("models")
def test_highest_dsc_provides(capsys: pytest.CaptureFixture[str]) -> None:
    assert derive() == {"brain_stem": "2d", "optic_chiasm": "2d", "pituitary": "3d_small"}
    # 8 of 10 columns: 2 * 8 / 18
    assert "brain_stem: 2d (2d 0.889, 3d 0.750)" in capsys.readouterr().out


def test_the_published_model_keeps_an_equal_organ(models: dict[str, np.ndarray]) -> None:
    models["3d_small"][:] = labels(0, 7)
    assert derive()["optic_chiasm"] == "3d_small"


def test_a_model_is_judged_on_its_own_labels_only(models: dict[str, np.ndarray]) -> None:
    # 3d_small does not know the brain stem: what it may have there is no bid for it
    models["3d_small"][:] = labels(10, 6)
    assert derive()["brain_stem"] == "2d"

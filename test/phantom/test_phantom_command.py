"""``hnseg phantom`` with a stand-in for the generator: layout, arguments, no half-written case."""

import errno
from pathlib import Path

import numpy as np
import pytest

from hnseg_infer.cli import main
from hnseg_infer.formats import read_ct, read_labels
from hnseg_infer.volume import Geometry, Volume
from hnseg_train.phantom import Phantom, generator

GEOMETRY = Geometry((4, 6, 5), (1.0, 1.0, 3.0), (-2.0, -3.0, 10.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))


def _stand_in(seed: int, case: int) -> Phantom:
    ct = np.full(GEOMETRY.shape, 100 * seed + case, np.int16)
    return Phantom(Volume(ct, GEOMETRY), Volume(np.full(GEOMETRY.shape, case, np.uint8), GEOMETRY))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "generate", _stand_in)


def _run(out: Path, cases: str = "2", seed: str = "7") -> int:
    return main(["phantom", "--cases", cases, "--seed", seed, "--out", str(out)])


@pytest.mark.usefixtures("quick")
def test_writes_structsegs_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "data"
    assert _run(out) == 0
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert files == ["1/data.nii.gz", "1/label.nii.gz", "2/data.nii.gz", "2/label.nii.gz"]
    ct = read_ct(out / "2" / "data.nii.gz")
    assert ct.array.dtype == np.int16
    assert (ct.array == 702).all()
    assert ct.geometry == GEOMETRY
    assert (read_labels(out / "2" / "label.nii.gz").array == 2).all()
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.usefixtures("quick")
def test_a_case_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    assert _run(tmp_path / "a", cases="1") == 0
    assert _run(tmp_path / "b", cases="3") == 0
    for name in ("data.nii.gz", "label.nii.gz"):
        assert (tmp_path / "a" / "1" / name).read_bytes() == (tmp_path / "b" / "1" / name).read_bytes()


@pytest.mark.usefixtures("quick")
def test_an_old_case_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "stale.txt").write_text("old")
    assert _run(tmp_path, cases="1") == 0
    assert sorted(path.name for path in (tmp_path / "1").iterdir()) == ["data.nii.gz", "label.nii.gz"]


@pytest.mark.parametrize(("cases", "seed"), [("0", "1"), ("-3", "1"), ("1", "-1")])
def test_numbers_out_of_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cases: str, seed: str
) -> None:
    assert _run(tmp_path, cases, seed) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert (cases if seed == "1" else seed) in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cases", ["many", "1.5"])
def test_not_a_number(tmp_path: Path, cases: str) -> None:
    with pytest.raises(SystemExit):
        _run(tmp_path, cases)


@pytest.mark.usefixtures("quick")
def test_output_folder_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    assert _run(tmp_path / "taken") == 1
    assert "taken" in capsys.readouterr().err


def test_a_failed_write_leaves_no_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(volume: Volume, path: Path) -> None:
        if path.name.startswith("label"):
            raise OSError(errno.ENOSPC, "disk full")
        path.write_bytes(b"x")

    monkeypatch.setattr(generator, "generate", _stand_in)
    monkeypatch.setattr("hnseg_infer.formats.write", broken)
    assert _run(tmp_path, cases="1") == 1
    assert capsys.readouterr().err == "hnseg: A file cannot be read or written (disk full).\n"
    assert not list(tmp_path.iterdir())


def test_other_voxels_leave_the_patient_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = Geometry((20, 40, 36), (1.0, 1.0, 3.0), (-20.0, -30.0, 10.0), GEOMETRY.direction)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[4:16, 10:26, 8:30] = 3
    ct = np.where(labels > 0, 300, -1000).astype(np.int16)
    monkeypatch.setattr(
        generator, "generate", lambda seed, case: Phantom(Volume(ct, geometry), Volume(labels, geometry))
    )
    spaced = ["phantom", "--cases", "1", "--seed", "1", "--spacing", "4", "2", "2", "--out", str(tmp_path)]
    assert main(spaced) == 0
    found, masks = read_ct(tmp_path / "1" / "data.nii.gz"), read_labels(tmp_path / "1" / "label.nii.gz")
    assert found.array.shape == (15, 20, 18)
    assert found.geometry.spacing == pytest.approx((2.0, 2.0, 4.0))
    assert masks.geometry == found.geometry
    assert found.array.dtype == np.int16
    centers = [
        volume.geometry.position(tuple(np.argwhere(volume.array == 3).mean(axis=0)))
        for volume in (masks, Volume(labels, geometry))
    ]
    np.testing.assert_allclose(*centers, atol=1.0)
    before, after = (labels == 3).sum() * 3.0, (masks.array == 3).sum() * 16.0
    assert after == before


def test_impossible_voxels_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["phantom", "--cases", "1", "--seed", "1", "--out", str(tmp_path), "--spacing", "3", "0.1", "1"]
    assert main(command) == 1
    assert "0.5 to 10 mm" in capsys.readouterr().err

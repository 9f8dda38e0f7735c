"""The checksum of a CT: of what it holds, not of how it is stored."""

import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from hnseg_infer.formats import read_ct, write
from hnseg_infer.identity import CtIdentity, ct_checksum, identify
from hnseg_infer.volume import Geometry, Volume

AXES = (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)
GRID = Geometry((2, 2, 3), (0.9765625, 1.0, 3.0), (-100.0004, 0.0, 12.5), AXES)
CT = Volume(np.arange(12, dtype=np.int16).reshape(GRID.shape) * 100 - 1000, GRID)


def test_is_what_its_description_says() -> None:
    axes = "1.000 0.000 0.000 0.000 1.000 0.000 0.000 0.000 1.000"
    grid = f"2 2 3 0.977 1.000 3.000 -100.000 0.000 12.500 {axes}"
    voxels = struct.pack("<12h", *range(-1000, 200, 100))
    assert ct_checksum(CT) == hashlib.sha256(grid.encode() + voxels).hexdigest()
    halves = Volume(CT.array.astype(np.float32) + 0.5, GRID)
    voxels = struct.pack("<12f", *(hu + 0.5 for hu in range(-1000, 200, 100)))
    assert ct_checksum(halves) == hashlib.sha256(grid.encode() + voxels).hexdigest()


@pytest.mark.parametrize("suffix", ["mha", "nii.gz", "nrrd"])
def test_every_format_gives_the_same(tmp_path: Path, small_head: Volume, suffix: str) -> None:
    write(small_head, tmp_path / f"a.{suffix}")
    assert ct_checksum(read_ct(tmp_path / f"a.{suffix}")) == ct_checksum(small_head)


def test_so_do_turned_axes_and_whole_numbers_stored_as_real_ones(tmp_path: Path, small_head: Volume) -> None:
    write(small_head, tmp_path / "a.mha")
    turned = sitk.DICOMOrient(sitk.ReadImage(str(tmp_path / "a.mha")), "ASR")
    sitk.WriteImage(sitk.Cast(turned, sitk.sitkFloat32), str(tmp_path / "b.mha"))
    assert read_ct(tmp_path / "b.mha").array.shape != small_head.array.shape
    assert ct_checksum(read_ct(tmp_path / "b.mha")) == ct_checksum(small_head)


def test_a_voxel_or_a_place_that_differs_shows() -> None:
    array = CT.array.copy()
    array[1, 1, 2] += 1
    moved = replace(GRID, origin=(-99.9, 0.0, 12.5))
    assert len({ct_checksum(ct) for ct in (CT, Volume(array, GRID), Volume(CT.array, moved))}) == 3


def test_voxels_that_are_no_numbers_have_one_too() -> None:
    array = CT.array.astype(np.float32)
    array[0, 0, 0] = np.nan
    assert len(ct_checksum(Volume(array, GRID))) == 64


def test_series_and_name_are_kept() -> None:
    ct = Volume(CT.array, GRID, series_uid="1.2.3.5")
    assert identify(ct, "series") == CtIdentity("series", "1.2.3.5", ct_checksum(CT))
    assert identify(CT, "a.mha").series_uid is None

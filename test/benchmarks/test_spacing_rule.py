"""The spacing benchmark on a small synthetic head."""

import json
from pathlib import Path

import numpy as np
import pytest
import spacing_rule
from bundle_factory import make_bundle, seal
from synthetic_head import head_ct

from hnseg_infer.formats import write
from hnseg_infer.pipeline import segment


def test_voxels_get_larger_and_keep_their_place() -> None:
    ct = head_ct()
    labels = (ct.array > 300).astype(np.uint8)
    image, reference = spacing_rule.at_factors(ct, labels, (0.5, 2, 1))
    depth, height, width = ct.array.shape
    assert image.array.shape == reference.array.shape == (2 * depth, height // 2, width)
    x, y, z = ct.geometry.spacing
    assert image.geometry.spacing == (x, 2 * y, z / 2)
    volumes = [labels.sum() * ct.geometry.voxel_cm3, reference.array.sum() * image.geometry.voxel_cm3]
    assert volumes[1] == pytest.approx(volumes[0], rel=0.25)


def test_every_spacing_is_tried_with_and_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_bundle(tmp_path / "bundle")
    ct = head_ct()
    given = list(ct.geometry.spacing_zyx)
    seal(folder, trained_spacing_mm={"low": given, "high": given})
    write(ct, tmp_path / "ct.mha")
    write(segment(ct, bundle=folder).labels, tmp_path / "labels.mha")
    monkeypatch.setattr(spacing_rule, "FACTORS", ((1, 1, 1), (1, 2, 2)))
    values = [tmp_path / "ct.mha", tmp_path / "labels.mha", "--bundle", folder, "--out", tmp_path]
    monkeypatch.setattr("sys.argv", ["program", *map(str, values)])
    assert spacing_rule.main() == 0
    same, coarse = json.loads((tmp_path / "spacing_rule.json").read_text())["trials"]
    assert (same["resampled"], coarse["resampled"]) == (False, True)
    assert same["dsc_with_rule"] == same["dsc_as_it_is"] == 1.0
    assert coarse["dsc_with_rule"] != coarse["dsc_as_it_is"]

"""The script on a tiny bundle and one generated patient."""

import pytest


@pytest.mark.slow
def test_counts_every_organ_of_every_table(script, tiny_bundle, coarse_ct):
    code, result, page = script(
        "precision_agreement",
        "--bundle",
        tiny_bundle,
        "--patients",
        "1",
        "--ct",
        coarse_ct,
        "--device",
        "cpu",
    )
    # random networks have near ties everywhere
    assert code == 1
    assert list(result["tables"]) == ["1 generated patients", "head.mha"]
    for organs in result["tables"].values():
        assert [organ["name"] for organ in organs] == ["brain_stem", "eye_left", "optic_chiasm", "pituitary"]
        assert all(organ["same"] is None or 0.8 < organ["same"] <= 1.0 for organ in organs)
    assert result["tables"]["head.mha"][0]["voxels"] > 0
    assert "**fail**" in page

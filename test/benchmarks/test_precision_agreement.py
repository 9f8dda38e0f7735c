"""The script on a tiny bundle; the generated patient is a coarse head, as a full-size one takes minutes."""

import json
from pathlib import Path
from types import SimpleNamespace

import precision_agreement
import pytest
from synthetic_head import head_ct


@pytest.mark.parametrize(("least", "verdict"), [(0.5, "pass"), (0.99999, "**fail**")])
def test_counts_every_organ_of_every_table(
    tiny_bundle: Path,
    coarse_ct: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    least: float,
    verdict: str,
) -> None:
    monkeypatch.setattr(precision_agreement, "LEAST", least)
    monkeypatch.setattr(precision_agreement, "generate", lambda seed, case: SimpleNamespace(ct=head_ct()))
    command = ["--bundle", tiny_bundle, "--patients", "1", "--ct", coarse_ct, "--device", "cpu"]
    monkeypatch.setattr("sys.argv", ["precision_agreement.py", *map(str, command), "--out", str(tmp_path)])
    code = precision_agreement.main()
    result = json.loads((tmp_path / "precision_agreement.json").read_text())
    assert code == (verdict != "pass")
    assert list(result["tables"]) == ["1 generated patients", "head.mha"]
    for organs in result["tables"].values():
        assert [organ["name"] for organ in organs] == ["brain_stem", "eye_left", "optic_chiasm", "pituitary"]
        assert all(organ["same"] is None or 0.8 < organ["same"] <= 1.0 for organ in organs)
    assert result["tables"]["head.mha"][0]["voxels"] > 0
    # it is one head in both
    assert result["tables"]["head.mha"] == result["tables"]["1 generated patients"]
    page = (tmp_path / "precision_agreement.md").read_text()
    assert f" | {verdict} |" in page
    # a result is published: it names no folder of the machine
    assert not any(str(folder) in page + json.dumps(result) for folder in (tmp_path, coarse_ct.parent))

"""Parts of a head, wide and narrow fields of view: never a crash, always the CT's own grid."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundle_factory import make_bundle, seal
from review.patients import PLACES
from synthetic_head import head_ct

from hnseg_infer.identity import identify
from hnseg_infer.loaded_bundle import LoadedBundle, load
from hnseg_infer.pipeline import segment
from hnseg_infer.report import results_json
from hnseg_infer.volume import Array, Volume

DEPTH, HEIGHT, WIDTH = head_ct().array.shape

PARTS: dict[str, Callable[[Array], Array]] = {
    "from the vertex to the eyes": lambda hu: hu[DEPTH // 2 :],
    "from the eyes down": lambda hu: hu[: DEPTH // 2],
    "eight slices": lambda hu: hu[DEPTH // 2 : DEPTH // 2 + 8],
    "left half": lambda hu: hu[:, :, WIDTH // 2 :],
    "face alone": lambda hu: hu[:, : HEIGHT // 2],
    "a narrow field of view": lambda hu: hu[:, HEIGHT // 4 : -HEIGHT // 4, WIDTH // 4 : -WIDTH // 4],
    "a huge field of view": lambda hu: np.pad(hu, ((0, 0), (100, 60), (80, 90)), constant_values=-1000),
    "air above the vertex": lambda hu: np.pad(hu, ((0, 30), (0, 0), (0, 0)), constant_values=-1000),
    "empty slices at an end": lambda hu: np.pad(hu, ((12, 0), (0, 0), (0, 0)), constant_values=-3024),
    "raised arms": lambda hu: with_arms(hu),
}


def with_arms(hu: Array) -> Array:
    """Two columns of soft tissue with bone inside beside the head."""
    wide = np.pad(hu, ((0, 0), (0, 0), (20, 20)), constant_values=-1000)
    for column in (4, wide.shape[2] - 14):
        wide[:, HEIGHT // 2 : HEIGHT // 2 + 10, column : column + 10] = 40
        wide[:, HEIGHT // 2 + 3 : HEIGHT // 2 + 7, column + 3 : column + 7] = 700
    return wide


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> LoadedBundle:
    """Two models that ask for a spacing and one that does not; with statistics of other patients."""
    folder: Path = make_bundle(tmp_path_factory.mktemp("bundle"))
    manifest = json.loads((folder / "bundle.json").read_text())
    manifest["models"]["3d"]["spacing"] = [4.0, 6.0, 6.0]
    organ = {
        "cases": 20,
        "volume_cm3": 20.0,
        "volume_factor": 1.2,
        "position_sd_mm": [3.0, 3.0, 3.0],
        "at_border": 0.0,
    }
    organs = {name: {**organ, "position_mm": list(place)} for name, place in PLACES.items()}
    seal(folder, models=manifest["models"], anatomy={"organs": organs, "pairs": []})
    return load(folder, "cpu")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_segmented_on_its_own_grid(part: str, loaded: LoadedBundle) -> None:
    ct = head_ct()
    array = np.ascontiguousarray(PARTS[part](ct.array.astype(np.int16)))
    volume = Volume(array, replace(ct.geometry, shape=array.shape))
    prediction = segment(volume, bundle=loaded)
    assert prediction.labels.geometry == volume.geometry
    missing = {organ.name for organ in prediction.organs if organ.volume_cm3 == 0}
    said = {reason.organ for reason in prediction.review if reason.code in ("not_found", "out_of_view")}
    looked_for = "no_head_or_neck" not in {warning.code for warning in prediction.warnings}
    assert said == (missing if looked_for else set())
    # no number in it that JSON does not have
    json.dumps(results_json(prediction, identify(volume, "ct"), "ct.mha"), allow_nan=False)

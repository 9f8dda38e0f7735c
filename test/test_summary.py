"""The table on the screen."""

from dataclasses import replace

import numpy as np

from hnseg_infer.report import OrganResult, Prediction, Reason, Warning
from hnseg_infer.summary import review_lines, summary
from hnseg_infer.volume import Geometry, Volume

GRID = Geometry((1, 1, 1), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
STEM = OrganResult(1, "brain_stem", "3d", 25.125, True, 1, False, 0.1)
PREDICTION = Prediction(
    labels=Volume(np.zeros((1, 1, 1), np.uint8), GRID),
    organs=(
        STEM,
        replace(STEM, id=4, name="lens_left", provider="2d", volume_cm3=0.004),
        replace(STEM, id=12, name="parotid_left", volume_cm3=0.0),
    ),
    warnings=(Warning("organs_not_found", "Not found in the CT: parotid_left."),),
    review=(Reason("not_found", "parotid_left", "parotid_left was not found."),),
    seconds={"2d": 1.25, "3d": 3.0},
    device="cpu",
    bundle_name="lite",
    trained_on="generated patients",
)


def test_every_line() -> None:
    assert summary(PREDICTION, "ct.json").splitlines() == [
        " id  organ                       cm3  model",
        "  1  brain_stem                25.12  3d",
        "  4  lens_left                < 0.01  2d",
        " 12  parotid_left          not found  3d",
        "warning organs_not_found: Not found in the CT: parotid_left.",
        "review not_found: parotid_left",
        "Look at the mask before it is used; ct.json says why.",
        "cpu; seconds: 2d 1.2, 3d 3.0",
        "Bundle lite, trained on generated patients.",
        "Research software: not a medical device, not for clinical use.",
    ]


def test_reasons_of_a_kind_share_a_line() -> None:
    reasons = [
        Reason("untypical_spacing", None, "Far off."),
        Reason("unsure", "eye_left", "Unsure of eye_left."),
        Reason("cut_off", "brain_stem", "At the edge."),
        Reason("unsure", "lens_left", "Unsure of lens_left."),
    ]
    assert review_lines(reasons, "results.json") == [
        "review unsure: eye_left, lens_left",
        "review cut_off: brain_stem",
        "Look at the mask before it is used; results.json says why.",
    ]
    assert review_lines([], "results.json") == []

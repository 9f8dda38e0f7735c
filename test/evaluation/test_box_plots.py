"""Box plots: that every model and case is drawn, and that they repeat themselves."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from score_factory import absent, found, missed

from hnseg_train.evaluation.box_plots import COLORS, box_plot
from hnseg_train.evaluation.metrics import DSC, HD95, METRICS

CASES = [
    [found(1, "brain_stem", 0.9, 2.0), absent(2, "eye_left")],
    [found(1, "brain_stem", 0.7, 4.0), absent(2, "eye_left")],
    [missed(1, "brain_stem"), absent(2, "eye_left")],
]


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def has_color(picture, color):
    rgb = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    return (np.abs(picture - rgb).max(axis=2) < 12).any()


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_same_scores_same_bytes(metric):
    assert box_plot(metric, {"": CASES}) == box_plot(metric, {"": CASES})


def test_every_model_has_its_colour():
    one = pixels(box_plot(DSC, {"": CASES}))
    two = pixels(box_plot(DSC, {"2d": CASES, "3d": CASES}))
    assert [has_color(one, color) for color in COLORS[:2]] == [True, False]
    assert [has_color(two, color) for color in COLORS[:2]] == [True, True]
    assert two.shape[0] > one.shape[0]


def test_settings_of_the_user_do_not_matter():
    import matplotlib

    expected = box_plot(HD95, {"": CASES})
    with matplotlib.rc_context({"font.size": 20, "savefig.dpi": 300, "figure.facecolor": "red"}):
        assert box_plot(HD95, {"": CASES}) == expected


def test_nothing_to_draw():
    assert pixels(box_plot(DSC, {"": [[absent(1, "brain_stem")]]})).shape[1] == 800
    assert pixels(box_plot(DSC, {"": []})).shape[1] == 800

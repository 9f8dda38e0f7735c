"""The close-up of an organ: where the colours land."""

import numpy as np
import pytest

from hnseg_infer.errors import InputError
from hnseg_infer.volume import Geometry, Volume, from_canonical
from hnseg_train.evaluation.organ_picture import BAND, GAP, PANEL_PIXELS, draw_organ

GRID = Geometry((20, 60, 60), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0))
CT = Volume(np.full(GRID.shape, 40, np.int16), GRID)

# half of the prediction lies beyond the reference's left side, half of the reference beyond the other's right
REFERENCE = np.zeros(GRID.shape, np.uint8)
REFERENCE[6:12, 20:40, 20:40] = 5
PREDICTION = np.roll(REFERENCE, 10, axis=2)


def draw(prediction=PREDICTION, reference=REFERENCE, ct=CT, **kwargs):
    return draw_organ(ct, Volume(prediction, GRID), Volume(reference, GRID), 5, **kwargs)


def panel(picture, number):
    """A plane's pixels as whole numbers."""
    left = GAP + number * (PANEL_PIXELS + GAP)
    return np.asarray(picture).astype(int)[BAND : BAND + PANEL_PIXELS, left : left + PANEL_PIXELS]


def reddest(pixels):
    """Mean column of the reference-only colour, and of the prediction-only one."""
    red, blue = pixels[..., 0] - pixels[..., 2] > 60, pixels[..., 2] - pixels[..., 0] > 60
    return np.argwhere(red).mean(axis=0), np.argwhere(blue).mean(axis=0)


def test_sides():
    picture = draw()
    for number in (0, 1):
        reference, prediction = reddest(panel(picture, number))
        # towards the patient's left, which is on the right
        assert prediction[1] - reference[1] > PANEL_PIXELS / 4
        assert abs(prediction[0] - reference[0]) < 2


def test_superior_is_up_and_posterior_right():
    higher = np.roll(REFERENCE, 4, axis=0)
    reference, prediction = reddest(panel(draw(prediction=higher), 1))
    assert prediction[0] < reference[0] - PANEL_PIXELS / 8
    behind = np.roll(REFERENCE, 10, axis=1)
    reference, prediction = reddest(panel(draw(prediction=behind), 2))
    assert prediction[1] > reference[1] + PANEL_PIXELS / 8


def test_agreement_shows_neither_colour():
    pixels = panel(draw(prediction=REFERENCE), 0)
    assert not (pixels[..., 0] - pixels[..., 2] > 60).any()
    assert (pixels[..., 1] - pixels[..., 0] > 60).any()


def test_organ_is_centred():
    rows, columns = np.nonzero((lambda p: p[..., 1] - p[..., 0] > 60)(panel(draw(prediction=REFERENCE), 0)))
    assert [(rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2] == pytest.approx(
        [PANEL_PIXELS / 2] * 2, abs=3
    )


def test_missed_organ_and_axis_order():
    empty = np.zeros_like(PREDICTION)
    assert (panel(draw(prediction=empty), 0)[..., 0] > 0).any()
    turned = Geometry((60, 60, 20), (3.0, 1.0, 1.0), (0.0, 0.0, 57.0), (0.0, 1.0, 0, 0, 0, 1.0, -1.0, 0, 0))
    stored = from_canonical(PREDICTION, turned)
    picture = draw_organ(CT, stored, Volume(REFERENCE, GRID), 5)
    assert np.array_equal(np.asarray(picture), np.asarray(draw()))


def test_other_grid_is_named():
    small = Volume(np.zeros((19, 60, 60), np.int16), Geometry((19, 60, 60), *GRID_REST))
    with pytest.raises(InputError, match=r"pred has 60 x 60 x 20 voxels .*ct has 60 x 60 x 19"):
        draw(ct=small, sources=("ct", "pred", "ref"))


GRID_REST = GRID.spacing, GRID.origin, GRID.direction

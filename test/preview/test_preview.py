"""Where organs, sides and millimetres come out in the picture, and what must not change it."""

import json

import numpy as np
import pytest
from PIL import Image

from hnseg_infer.errors import InputError
from hnseg_infer.organ_names import label_color, read_names
from hnseg_infer.preview.legend import Entry, draw_legend
from hnseg_infer.preview.panels import LINE_PIXELS, PIXELS_PER_MM, Frame, draw_panel
from hnseg_infer.preview.picture import BAND, GAP, draw_preview, write_preview
from hnseg_infer.volume import Geometry, Volume, from_canonical

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
GRID = Geometry((60, 160, 160), (1.5, 1.5, 3.0), (-120.0, -120.0, -90.0), IDENTITY)
BLUE = label_color(2, "eye_left")


def patient(geometry=GRID):
    """A block of tissue with a left eye (high x is the patient's left) on the grid ``geometry``."""
    hu = np.full(GRID.shape, -1000, np.int16)
    hu[:, 20:140, 20:140] = 40
    labels = np.zeros(GRID.shape, np.uint8)
    labels[40:44, 30:46, 100:116] = 2
    return from_canonical(hu, geometry), from_canonical(labels, geometry)


def bluish(picture):
    """Pixels that an organ's tint or outline made bluer than red."""
    pixels = np.asarray(picture).astype(int)
    return pixels[..., 2] - pixels[..., 0] > 22


def test_left_organ_is_on_the_right_of_the_picture():
    picture = np.asarray(draw_preview(*patient()))
    width = (picture.shape[1] - 4 * GAP) // 3
    # Of the three axial planes the middle one goes through the organ, the others lie above and below it.
    axial = bluish(picture[BAND : BAND + width, width + 2 * GAP : 2 * (width + GAP)])
    coronal = bluish(picture[BAND + width + GAP : -BAND, GAP : GAP + width])
    for panel in (axial, coronal):
        assert panel[:, width // 2 :].sum() > 500
        assert not panel[:, : width // 2].any()
    # Anterior is up on axial planes, superior is up on coronal ones.
    assert not axial[width // 2 :].any()
    assert not coronal[coronal.shape[0] // 2 :].any()


def test_axis_order_of_the_files_changes_no_pixel():
    corner = GRID.position((59, 159, 159))
    # Index axes i, j, k run right, anterior, inferior.
    turned = Geometry(GRID.shape, GRID.spacing, tuple(corner), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, -1.0))
    ct, _ = patient(turned)
    _, labels = patient()
    assert np.array_equal(np.asarray(draw_preview(ct, labels)), np.asarray(draw_preview(*patient())))


def test_thick_slices_keep_their_proportions():
    # 10 slices of 3 mm by 30 columns of 1 mm: a square of 30 mm.
    labels = np.zeros((40, 120), np.uint8)
    labels[10:20, 60:90] = 2
    hu = np.zeros(labels.shape, np.int16)
    panel = draw_panel(hu, labels, (3.0, 1.0), Frame(0.0, 0.0, 120.0, 120.0), {2: BLUE})
    rows, columns = np.nonzero(bluish(panel))
    # The outline lies on the edge, so it adds its own half width and blur on both sides.
    assert np.ptp(rows) + 1 == pytest.approx(30 * PIXELS_PER_MM + LINE_PIXELS, abs=3)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=2)
    # The square's middle lies at slice 14.5 and column 74.5.
    assert rows.mean() == pytest.approx(14.5 * 3 * PIXELS_PER_MM, abs=1)
    assert columns.mean() == pytest.approx(74.5 * PIXELS_PER_MM, abs=1)


def test_panel_shows_air_black_bone_white_and_nothing_beyond_the_image():
    hu = np.full((100, 100), 1000, np.int16)
    hu[:, 50:] = -1000
    panel = np.asarray(draw_panel(hu, np.zeros_like(hu), (1.0, 1.0), Frame(-20.0, 0.0, 60.0, 100.0), {}))
    edge = round(20 * PIXELS_PER_MM)
    assert (panel[: edge - 4] == 0).all()
    assert (panel[edge + 4 :, 10 : round(48 * PIXELS_PER_MM)] == 255).all()
    assert (panel[:, round(52 * PIXELS_PER_MM) :] == 0).all()


def test_small_organ_is_painted_over_a_large_one():
    labels = np.full((60, 60), 1, np.uint8)
    labels[20:40, 20:40] = 2
    hu = np.zeros(labels.shape, np.int16)
    colors = {1: (255, 0, 0), 2: BLUE}
    panel = np.asarray(draw_panel(hu, labels, (1.0, 1.0), Frame(0.0, 0.0, 60.0, 60.0), colors))
    assert (np.abs(panel.astype(int) - BLUE).max(axis=2) < 8).any()


@pytest.mark.parametrize("padding", [None, -2000])
def test_a_ct_without_its_intercept_is_drawn_in_hu(padding):
    ct, labels = patient()
    hu = ct.array.copy()
    hu[:, 60:100, 60:100] = 700
    expected = draw_preview(Volume(hu, GRID), labels)
    stored = hu + np.int16(1024)
    if padding is not None:
        stored[:, :4], hu[:, :4] = padding, -1024
    picture = draw_preview(Volume(stored, GRID), labels)
    assert np.array_equal(np.asarray(picture), np.asarray(expected))


def test_a_ct_of_numbers_that_are_none_is_refused():
    ct, labels = patient()
    array = ct.array.astype(np.float32)
    array[3, 4, 5] = np.nan
    with pytest.raises(InputError, match="not finite"):
        draw_preview(Volume(array, GRID), labels)


def test_empty_mask_is_drawn():
    ct, labels = patient()
    empty = Volume(np.zeros_like(labels.array), labels.geometry)
    assert draw_preview(ct, empty).size == draw_preview(ct, labels).size


def test_file_is_complete_and_the_same_twice(tmp_path):
    for name in ("one.png", "two.png"):
        write_preview(*patient(), tmp_path / name, title="case")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "two.png"]
    with Image.open(tmp_path / "one.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")


def test_mask_of_another_grid_is_refused(tmp_path):
    ct, labels = patient()
    shifted = Geometry(GRID.shape, GRID.spacing, (-118.5, -120.0, -90.0), IDENTITY)
    with pytest.raises(InputError, match=r"mask\.nii.*ct\.nii.*1\.5 mm"):
        write_preview(ct, Volume(labels.array, shifted), tmp_path / "p.png", sources=("ct.nii", "mask.nii"))
    with pytest.raises(InputError, match="160 x 160 x 59 voxels"):
        draw_preview(ct, Volume(labels.array[1:], Geometry((59, 160, 160), *_rest(GRID))))
    assert not list(tmp_path.iterdir())


def _rest(geometry):
    return geometry.spacing, geometry.origin, geometry.direction


def test_legend_marks_what_was_not_found():
    found = draw_legend([Entry("eye_left", BLUE, 7.5)], (520, 600))
    lost = draw_legend([Entry("eye_left", BLUE, 0.0)], (520, 600))
    assert (np.asarray(found) == BLUE).all(axis=2).sum() > 50
    assert not (np.asarray(lost) == BLUE).all(axis=2).any()


def test_long_legend_fits():
    entries = [Entry(f"label_{value}", label_color(value, ""), 1.0) for value in range(1, 100)]
    last = np.asarray(draw_legend(entries, (520, 600))) == entries[-1].color
    assert last.all(axis=2)[-40:].any()


def test_names_from_a_file(tmp_path):
    good = tmp_path / "results.json"
    good.write_text(json.dumps({"organs": [{"id": 3, "name": "larynx", "volume_cm3": 1.0}]}))
    assert read_names(good) == {3: "larynx"}
    for text in ("no json", "[]", '{"organs": [{"id": 3}]}', '{"organs": [{"id": 0, "name": "air"}]}'):
        good.write_text(text)
        with pytest.raises(InputError, match=r"results\.json gives no organ names"):
            read_names(good)
    with pytest.raises(InputError, match="absent"):
        read_names(tmp_path / "absent.json")


def test_colors_go_by_name_then_by_value():
    assert label_color(9, "eye_left") == (30, 144, 255)
    assert label_color(9, "larynx") != label_color(10, "trachea")

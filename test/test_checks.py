from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnseg_infer.checks import check_ct, in_hu
from hnseg_infer.errors import InputError
from hnseg_infer.formats import read_ct
from hnseg_infer.report import Warning
from hnseg_infer.volume import Array, Geometry, Volume, to_canonical


def codes(volume: Volume) -> set[str]:
    return {warning.code for warning in check_ct(volume, "ct.mha")[1]}


def with_array(volume: Volume, array: Array) -> Volume:
    return Volume(array, replace(volume.geometry, shape=array.shape))


def with_spacing(volume: Volume, *spacing: float) -> Volume:
    return Volume(volume.array, replace(volume.geometry, spacing=spacing))


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_head_in_hu_passes_untouched(head_ct: Volume, dtype: type) -> None:
    volume = with_array(head_ct, head_ct.array.astype(dtype))
    checked, warnings = check_ct(volume, "ct.mha")
    assert checked is volume
    assert not warnings


def as_float(hu: Array) -> Array:
    return hu.astype(np.float32)


def set_voxel(value: float) -> Callable[[Array], Array]:
    def change(hu: Array) -> Array:
        array = as_float(hu)
        array[3, 4, 5] = value
        return array

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set_voxel(np.nan), "not finite"),
        (set_voxel(-np.inf), "not finite"),
        (np.zeros_like, "same value"),
        (lambda hu: (as_float(hu) + 1024) / 4095, "rescaled"),
        (lambda hu: (as_float(hu) + 1024) / 4095 * 255, "rescaled"),
        (lambda hu: np.clip((as_float(hu) + 160) / 400 * 255, 0, 255).astype(np.int16), "rescaled"),
        (lambda hu: np.clip(hu, -160, 240), "rescaled"),
        (lambda hu: (as_float(hu) - hu.mean()) / hu.std(), "rescaled"),
        (lambda hu: (hu > 0).astype(np.int16), "rescaled"),
        (lambda hu: np.random.default_rng(0).normal(-1000, 8, hu.shape).astype(np.int16), "no body"),
        (lambda hu: np.where(hu > -500, hu, 200).astype(np.int16), "no value below"),
        (lambda hu: np.random.default_rng(0).gamma(2.0, 300.0, hu.shape).astype(np.int16), "accepted"),
    ],
)
def test_values_that_are_no_ct(head_ct: Volume, change: Callable[[Array], Array], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        check_ct(with_array(head_ct, change(head_ct.array)), "ct.mha")
    assert str(caught.value).startswith("ct.mha ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ((slice(0, 7), slice(None), slice(None)), "64 x 72 x 7 voxels"),
        ((slice(None), slice(0, 15), slice(None)), "64 x 15 x 40 voxels"),
        ((slice(None), slice(None), slice(0, 1)), "1 x 72 x 40 voxels"),
    ],
)
def test_too_few_voxels(head_ct: Volume, cut: tuple[slice, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_ct(with_array(head_ct, head_ct.array[cut]), "ct.mha")


@pytest.mark.parametrize("spacing", [(0.1, 1, 3), (1, 11, 3), (1, 1, 12)])
def test_implausible_spacing(head_ct: Volume, spacing: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"spacing .* 0\.2 to 10 mm"):
        check_ct(with_spacing(head_ct, *spacing), "ct.mha")


@pytest.mark.parametrize(("degrees", "warned"), [(0.0, False), (0.9, False), (1.1, True), (20.0, True)])
def test_oblique_grid(head_ct: Volume, degrees: float, warned: bool) -> None:
    c, s = float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))
    geometry = replace(head_ct.geometry, direction=(1.0, 0, 0, 0, c, -s, 0, s, c))
    assert ("oblique_grid" in codes(Volume(head_ct.array, geometry))) == warned


@pytest.mark.parametrize("padding", [None, -2000, -32768])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_missing_intercept_is_put_back(head_ct: Volume, dtype: type, padding: int | None) -> None:
    stored = (head_ct.array + 1024).astype(dtype)
    expected = head_ct.array.copy()
    if padding is not None:
        stored[:, :3], expected[:, :3] = padding, -1024
    checked, warnings = check_ct(with_array(head_ct, stored), "ct.mha")
    np.testing.assert_array_equal(checked.array, expected)
    assert checked.array.dtype == dtype
    assert "hu_offset_removed" in {warning.code for warning in warnings}
    assert ("padding_clipped" in {warning.code for warning in warnings}) == (padding is not None)


def test_a_missing_intercept_of_numbers_without_a_sign_is_put_back(head_ct: Volume) -> None:
    checked, warnings = check_ct(with_array(head_ct, (head_ct.array + 1024).astype(np.uint16)), "ct.mha")
    np.testing.assert_array_equal(checked.array, head_ct.array)
    assert [warning.code for warning in warnings] == ["hu_offset_removed"]


@pytest.mark.parametrize("padding", [-2000, -3024, -32768])
def test_padding_becomes_air(head_ct: Volume, padding: int) -> None:
    array = head_ct.array.copy()
    array[:, :3] = padding
    checked, warnings = check_ct(with_array(head_ct, array), "ct.mha")
    assert (checked.array[:, :3] == -1024).all()
    np.testing.assert_array_equal(checked.array[:, 3:], head_ct.array[:, 3:])
    assert (array[:, :3] == padding).all()
    message = next(warning.message for warning in warnings if warning.code == "padding_clipped")
    assert str(padding) in message


def test_what_the_reader_noticed_is_warned_of(head_ct: Volume) -> None:
    notice = Warning("duplicate_slices", "left out: 3.")
    given = to_canonical(replace(head_ct, notices=(notice,)))
    assert check_ct(given, "ct.mha")[1] == [notice]


def test_hu_without_a_look_at_what_they_show() -> None:
    array = np.array([-2000, -1024, 0, 3000], dtype=np.int16).reshape(1, 2, 2)
    hu, repairs = in_hu(array, "ct.mha")
    np.testing.assert_array_equal(hu.ravel(), [-1024, -1024, 0, 3000])
    assert [repair.code for repair in repairs] == ["padding_clipped"]
    assert in_hu(hu, "ct.mha") == (hu, [])


def test_a_neck_without_a_head_is_a_doubt_not_an_error(head_ct: Volume) -> None:
    # Below the skull ball, whose radius is 92 mm around z = 0: neck and spine only.
    body = head_ct.array.copy()
    body[18:] = body[:1]
    body[:18] = body[:1]
    assert "head_not_found" in codes(with_array(head_ct, body))


@pytest.mark.parametrize(
    ("spacing", "doubted"),
    [
        ((0.98, 0.98, 3.0), False),
        ((0.5, 0.5, 0.3), False),
        ((0.98, 0.98, 10.0), False),
        ((1.0, 1.2, 3.0), False),
        ((3.0, 0.98, 0.98), True),
        ((0.98, 3.0, 0.98), True),
        ((0.6, 0.98, 0.98), True),
    ],
)
def test_pixels_that_are_not_square_are_doubted(
    head_ct: Volume, spacing: tuple[float, float, float], doubted: bool
) -> None:
    assert ("implausible_spacing" in codes(with_spacing(head_ct, *spacing))) == doubted


def test_a_ct_that_is_stored_in_sagittal_slices_is_not_doubted(head_ct: Volume) -> None:
    # array axes x, z, y: index axes i, j, k run along y, z, x
    stored = Volume(
        head_ct.array.transpose(2, 0, 1),
        Geometry((64, 40, 72), (4.0, 3.0, 4.0), (0, 0, 0), [[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    )
    assert codes(to_canonical(stored)) == set()


REAL = ["head_neck_dicom", "head_neck_shoulders.nii.gz"]


@pytest.mark.parametrize("name", REAL)
def test_real_cts_pass_without_a_warning(shared_data: Path, name: str) -> None:
    volume = to_canonical(read_ct(shared_data / "ct" / name))
    checked, warnings = check_ct(volume, name)
    assert warnings == []
    assert checked is volume


@pytest.mark.parametrize("name", REAL)
def test_real_cts_without_their_intercept(shared_data: Path, name: str) -> None:
    volume = to_canonical(read_ct(shared_data / "ct" / name))
    checked, warnings = check_ct(with_array(volume, volume.array + 1024), name)
    np.testing.assert_array_equal(checked.array, volume.array)
    assert [warning.code for warning in warnings] == ["hu_offset_removed"]


@pytest.mark.parametrize(("name", "slices"), [("head_neck_dicom", 45), ("head_neck_shoulders.nii.gz", 90)])
def test_the_neck_of_a_real_ct_shows_no_head(shared_data: Path, name: str, slices: int) -> None:
    volume = to_canonical(read_ct(shared_data / "ct" / name))
    assert codes(with_array(volume, volume.array[:slices])) == {"head_not_found"}


def test_the_chest_of_a_real_ct_shows_neither(shared_data: Path) -> None:
    volume = to_canonical(read_ct(shared_data / "ct" / "head_neck_shoulders.nii.gz"))
    # 60 slices of 2 mm up from the lowest end below the neck, as the picture shows
    assert codes(with_array(volume, volume.array[:60])) == {"no_head_or_neck"}

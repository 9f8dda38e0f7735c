"""Other numbers of slices of the same anatomy, and input folders."""

import numpy as np
import pytest
from synthetic_head import head_ct
from timing_ct import given_cases, reslice

from hnseg_infer.ct_folder import find_ct
from hnseg_infer.formats import read_ct
from hnseg_infer.volume import Geometry, Volume


def ramp(values: list[int]) -> Volume:
    array = np.array(values, np.int16)[:, None, None] * np.ones((1, 2, 3), np.int16)
    geometry = Geometry(array.shape, (1.0, 1.5, 3.0), (-5.0, 2.0, 7.0), (1.0, 0, 0, 0, 1, 0, 0, 0, 1))
    return Volume(array, geometry)


def test_slices_between_two_are_their_mixture():
    # five positions over three slices: 0, 1/2, 1, 3/2, 2
    ct = reslice(ramp([-1000, 0, 100]), 5)
    assert ct.array[:, 1, 2].tolist() == [-1000, -500, 0, 50, 100]
    assert ct.array.dtype == np.int16
    assert ct.geometry.spacing == (1.0, 1.5, 1.5)
    assert ct.geometry.origin == (-5.0, 2.0, 7.0)


def test_first_and_last_slice_stay_where_they_are():
    ct = head_ct()
    for count in (2, 29, 30, 47):
        other = reslice(ct, count)
        assert np.array_equal(other.array[0], ct.array[0])
        assert np.array_equal(other.array[-1], ct.array[-1])
        # the last slice's place in the patient
        assert other.geometry.position((count - 1, 0, 0)) == pytest.approx(ct.geometry.position((29, 0, 0)))


def test_as_many_slices_as_before_change_nothing():
    assert np.array_equal(reslice(head_ct(), 30).array, head_ct().array)


def test_a_single_slice_is_refused():
    with pytest.raises(ValueError, match="1 slices"):
        reslice(ramp([0, 1]), 1)


def test_a_given_file_lies_alone_in_its_input_folder(tmp_path, coarse_ct):
    (case,) = given_cases(tmp_path, [coarse_ct])
    assert find_ct(case.folder, "ct").name == coarse_ct.name
    assert np.array_equal(read_ct(case.ct).array, head_ct().array)
    assert (case.name, case.voxels) == ("head.mha", (48, 56, 30))

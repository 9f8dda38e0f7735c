"""Which files of two folders are taken for which case."""

import pytest

from hnseg_infer.errors import InputError
from hnseg_train.evaluation.cases import pair_masks


@pytest.fixture
def tree(tmp_path):
    """Makes empty files below a folder: only names matter here."""

    def make(folder, *names):
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / folder

    return make


def test_layouts_may_differ(tree):
    predictions = tree("pred", "one.mha", "two.nii.gz", "results.json", ".hidden.mha")
    references = tree("ref", "one/label.nii.gz", "one/data.nii.gz", "two/mask.nrrd", "notes/readme.txt")
    first, second = pair_masks(predictions, references)
    assert (first.name, first.prediction.name, first.ct) == ("one", "one.mha", None)
    assert first.reference == references / "one" / "label.nii.gz"
    assert (second.name, second.reference.name) == ("two", "mask.nrrd")


def test_cts_are_images_or_dicom_folders(tree):
    predictions, references = tree("pred", "a.mha", "b.mha"), tree("ref", "a.mha", "b.mha")
    cts = tree("ct", "a/data.nii.gz", "a/label.nii.gz", "b/1.dcm", "b/2.dcm", "c.mha")
    first, second = pair_masks(predictions, references, cts)
    assert (first.ct, second.ct) == (cts / "a" / "data.nii.gz", cts / "b")


def test_links_are_named_as_they_were_given(tree, tmp_path):
    kept = tree("cache", "d41d8c", "MD5E-ab.nii", "0cc1")
    predictions, references = tree("pred", "two.mha"), tree("ref", "one/label.nii.gz")
    (predictions / "one.nii").symlink_to(kept / "d41d8c")
    (references / "two.nii").symlink_to(kept / "MD5E-ab.nii")
    (references / "one" / "label.nii.gz").unlink()
    (references / "one" / "label.nii.gz").symlink_to(kept / "0cc1")
    (tmp_path / "linked").symlink_to(references, target_is_directory=True)
    first, second = pair_masks(predictions, tmp_path / "linked")
    assert (first.name, first.prediction) == ("one", predictions / "one.nii")
    assert (second.name, second.reference.name) == ("two", "two.nii")


def test_two_files(tree):
    prediction, reference = tree("x", "a.nii.gz") / "a.nii.gz", tree("y", "label.nii.gz") / "label.nii.gz"
    (pair,) = pair_masks(prediction, reference, reference)
    assert (pair.name, pair.prediction, pair.reference, pair.ct) == ("a", prediction, reference, reference)
    assert pair.sources == (str(prediction), str(reference))


def test_long_lists_are_cut(tree):
    predictions, references = tree("pred", "a.mha"), tree("ref", "a.mha", *(f"{n}.mha" for n in range(8)))
    with pytest.raises(InputError, match=r"pred lacks 0, 1, 2, 3, 4 and 3 more; two folders with the same"):
        pair_masks(predictions, references)


def test_a_case_twice(tree):
    with pytest.raises(InputError, match=r"pred holds case a twice, as a\.mha and a\.nii\.gz"):
        pair_masks(tree("pred", "a.mha", "a.nii.gz"), tree("ref", "a.mha"))


def test_nothing_there(tree, tmp_path):
    with pytest.raises(InputError, match="pred holds no mask"):
        pair_masks(tree("pred", "readme.txt"), tree("ref", "a.mha"))
    with pytest.raises(InputError, match="nowhere does not exist"):
        pair_masks(tmp_path / "nowhere", tmp_path)


def test_a_file_against_a_folder(tree):
    folder = tree("ref", "a.mha")
    with pytest.raises(InputError, match="two files or two folders"):
        pair_masks(folder / "a.mha", folder)


def test_masks_in_folders_want_a_folder_of_cts(tree):
    folder = tree("ref", "a.mha")
    with pytest.raises(InputError, match="is a file"):
        pair_masks(folder, folder, folder / "a.mha")

"""The order of the worst cases."""

from score_factory import absent, found, missed

from hnseg_train.evaluation.worst_cases import worst_cases

CASES = {
    "good": [found(1, "brain_stem", 0.9, 1.0), absent(2, "eye_left")],
    "tied_near": [found(1, "brain_stem", 0.5, 2.0), absent(2, "eye_left")],
    "tied_far": [found(1, "brain_stem", 0.5, 3.0), found(2, "eye_left", 0.7, 1.0)],
    "apart": [found(1, "brain_stem", 0.0, 30.0), absent(2, "eye_left", predicted=1.0)],
    "missed": [missed(1, "brain_stem"), absent(2, "eye_left")],
}


def test_lowest_dsc_then_farthest_then_name():
    stem, eye = worst_cases(CASES, count=4)
    assert [worst.case for worst in stem] == ["missed", "apart", "tied_far", "tied_near"]
    assert [worst.rank for worst in stem] == [1, 2, 3, 4]
    assert [(worst.case, worst.rank) for worst in eye] == [("tied_far", 1)]


def test_order_of_the_cases_does_not_matter():
    same = [missed(1, "brain_stem")]
    expected = worst_cases({"a": same, "b": same})
    assert worst_cases({"b": same, "a": same}) == expected
    assert [worst.case for worst in expected[0]] == ["a", "b"]


def test_picture_names_hold_nothing_that_a_path_could_mind():
    ((worst,),) = worst_cases({"case 7": [found(3, "eye/right side", 0.5, 1.0)]})
    assert worst.picture_name == "003_eye_right_side_1_case_7.png"

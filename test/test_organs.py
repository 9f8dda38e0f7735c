from hnseg_infer.organs import STRUCTSEG_ORGANS


def test_ids_run_from_1_to_22_and_names_are_unique() -> None:
    assert [organ.id for organ in STRUCTSEG_ORGANS] == list(range(1, 23))
    for field in ("name", "color", "tg263"):
        assert len({getattr(organ, field) for organ in STRUCTSEG_ORGANS}) == 22


def test_weights_are_the_challenges() -> None:
    weights = {organ.name: organ.weight for organ in STRUCTSEG_ORGANS}
    # From the challenge's table: 6 organs of weight 100, 5 of 80, 4 of 70, 2 of 60 and 5 of 50.
    assert sum(weights.values()) == 600 + 400 + 280 + 120 + 250
    assert {name for name, weight in weights.items() if weight == 100} == {
        "brain_stem", "eye_left", "eye_right", "spinal_cord", "mandible_left", "mandible_right",
    }  # fmt: skip
    assert {name for name, weight in weights.items() if weight == 50} == {
        "lens_left", "lens_right", "optic_chiasm", "parotid_left", "parotid_right",
    }  # fmt: skip


def test_sides_come_in_pairs_of_equal_weight_left_first() -> None:
    by_name = {organ.name: organ for organ in STRUCTSEG_ORGANS}
    lefts = [organ for organ in STRUCTSEG_ORGANS if organ.side == "L"]
    assert len(lefts) == 9
    for left in lefts:
        right = by_name[left.name.removesuffix("_left") + "_right"]
        assert (right.side, right.id, right.weight) == ("R", left.id + 1, left.weight)
    assert [organ.name for organ in STRUCTSEG_ORGANS if organ.side == "-"] == [
        "brain_stem", "optic_chiasm", "pituitary", "spinal_cord",
    ]  # fmt: skip

"""The script on a tiny bundle, and its graphs against each other."""

import pytest


@pytest.mark.slow
def test_measures_every_choice(script, tiny_bundle):
    code, result, page = script("engine_choices", "--bundle", tiny_bundle, "--runs", "2")
    assert code == 0
    assert list(result["tile_seconds"]) == ["2d", "3d", "3d_small"]
    for ways in result["tile_seconds"].values():
        assert len(ways) == 4
        assert all(len(seconds) == 2 and min(seconds) > 0 for seconds in ways.values())
    assert list(result["prepare_seconds"]) == ["no cache", "cache empty", "cache filled"]
    plain, split, exact = result["differing_percent"].values()
    # the split first convolution is why bfloat16 labels can be trusted; the last one's share is small
    assert 0 <= exact <= split < plain < 2
    assert "first convolution split" in page

"""The trial of int8 without NNCF: what is kept in bfloat16, which tiles are shown, the verdict, the page."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from agreement import OrganAgreement
from int8_networks import SETTINGS, calibration_tiles, import_nncf, kept_in_bfloat16
from int8_report import check, organ_trials, report

from hnseg_infer.bundle import load_bundle
from hnseg_infer.engines.openvino_graph import unet_graph
from hnseg_infer.engines.openvino_runtime import openvino
from hnseg_infer.preprocessing import z_score


def organ(dsc, name="eye"):
    return OrganAgreement(name, "2d", 100, dsc, dsc)


def trials(before, after, labels=0.98):
    """One organ's DSC against the reference, by patient."""
    return organ_trials([[organ(dsc)] for dsc in before], [[organ(dsc)] for dsc in after], [organ(labels)])


@pytest.fixture(scope="module")
def networks(tiny_bundle):
    return {model.name: model for model in load_bundle(tiny_bundle).models}


@pytest.mark.parametrize("name", ["2d", "3d"])
def test_every_setting_keeps_more(networks, name):
    model = networks[name].network
    image, logits = unet_graph(model, model.layout, True)
    operations = openvino.Model([logits], [image]).get_ordered_ops()
    kinds = {node.get_friendly_name(): node.get_type_name() for node in operations}
    kept = [kept_in_bfloat16(operations, setting) for setting in SETTINGS]
    decoders = len(model.layout.decoder)
    # two a stage and three where maps are joined; the one that gives the logits is another operation
    assert list(kinds.values()).count("Convolution") == 2 * (decoders + 1) + 3 * decoders
    assert kept[0] == []
    assert [kinds[node] for node in kept[1]] == ["Convolution", "ConvolutionBackpropData"]
    assert sorted(kinds[node] for node in set(kept[2]) - set(kept[1])) == (
        ["Add"] * decoders + ["Interpolate"] * decoders
    )
    # the second of the first stage and the three of the last decoder stage
    assert [kinds[node] for node in set(kept[3]) - set(kept[2])] == ["Convolution"] * 4
    assert set(kept[2]) < set(kept[3])
    assert kept[4] == kept[3]


def test_tiles_are_the_pipelines(networks, small_head):
    labels = np.zeros(small_head.array.shape, np.uint8)
    tiles = calibration_tiles(networks["2d"], small_head, labels, 10_000)
    # the mean and deviation are those of 512 x 512 pixels, the plan's patch
    whole = np.full((40, 512, 512), -1000, np.int16)
    whole[:, :72, :64] = small_head.array
    image = z_score(whole)[:, :72, :64]
    # the head fills the view: 40 slices, 64 x 72 pixels by tiles of 32 at most half of that apart
    assert len(tiles) == 40 * 3 * 4
    np.testing.assert_allclose(tiles[0], image[:1, :32, :32], atol=1e-5)
    np.testing.assert_allclose(tiles[-1], image[-1:, -32:, -32:], atol=1e-5)
    few = calibration_tiles(networks["2d"], small_head, labels, 3)
    assert [tile.tobytes() for tile in few] == [tiles[index].tobytes() for index in (0, 240, 479)]


def test_differences_by_patient_and_their_mean():
    (trial,) = trials([0.80, 0.90], [0.83, 0.85])
    assert (trial.name, trial.model, trial.labels) == ("eye", "2d", 0.98)
    assert trial.dsc == pytest.approx(0.84)
    assert trial.difference == pytest.approx(-0.01)
    assert trial.widest == pytest.approx(-0.05)


def test_a_patient_without_the_organ_does_not_count():
    assert trials([0.8, None], [0.9, 0.7])[0].difference == pytest.approx(0.1)
    (absent,) = trials([None], [None])
    assert (absent.dsc, absent.difference, absent.widest) == (None, None, None)


def test_the_organ_that_moved_most_decides():
    still, better, worse = ((trials([0.5], [0.5 + step]))[0] for step in (0.002, 0.009, -0.011))
    passed = check("ends", [still, better])
    assert passed.passed
    assert passed.measured == pytest.approx(0.009)
    failed = check("ends", [still, worse, better])
    assert not failed.passed
    assert failed.measured == pytest.approx(0.011)
    assert not check("ends", trials([None], [None])).passed


def test_the_page_shows_the_closest_setting():
    organs = {
        "f32": trials([0.9], [0.9], 1.0),
        "bf16": trials([0.9], [0.899], 0.99),
        "plain": trials([0.9], [0.87], 0.95),
        "fine": trials([0.9], [0.895], 0.97),
    }
    fact = {"seconds": 2.4, "ranges": 31, "bytes": 3 * 2**19}
    result = {
        "bundle": "tiny",
        "trained_on": "nothing",
        "nncf": "1",
        "patients": 1,
        "calibration_tiles": {"2d": 5},
        "settings": {"plain": {"2d": fact}, "fine": {"2d": fact, "3d": fact}},
        "cts": {"head": {"bf16": {"all": 0.99, "eye": 1.0}, "plain": {"all": 0.9, "eye": 0.8}}},
        "seconds": {"2d": {"bf16": [0.3, 0.1, 0.2], "fine": [0.15]}},
        "device": "cpu",
        "command": "c",
        "machine": {"cpu": "p", "cores": 2, "memory_gib": 8, "torch": "1", "openvino": "1"},
    }
    cts = result["cts"]["head"]
    cts |= {"f32": {"all": 1.0, "eye": 1.0}, "fine": {"all": 0.95, "eye": 0.9}}
    lines = report(result, organs, [check(setting, organs[setting]) for setting in ("plain", "fine")])
    assert "| plain | 0.0300 | 1 | 0.9500 | 0.9500 | 0.9000 | 2 | - |" in lines
    assert "| fine | 0.0050 | 0 | 0.9700 | 0.9700 | 0.9500 | 5 | 0.150 |" in lines
    assert "| bf16 | 0.0010 | 0 | 0.9900 | 0.9900 | 0.9900 | - | 0.200 (0.300, 0.100, 0.200) |" in lines
    assert "## Organ by organ: `fine`" in lines
    row = "| eye | 2d | 0.9000 | 0.8990 | 0.8950 | -0.0050 | -0.0050 | 0.9900 | 0.9700 | 0.900 | within |"
    assert row in lines
    assert (
        "2d: 31 ranges, 1.5 MiB as OpenVINO saves it; 3d: 31 ranges, 1.5 MiB as OpenVINO saves it." in lines
    )


def test_without_nncf_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(SystemExit, match=r"pip install --target FOLDER --no-deps nncf==3\.4\.0"):
        import_nncf()


def test_with_nncf_its_talk_is_turned_down(monkeypatch):
    levels = []
    monkeypatch.setitem(sys.modules, "nncf", SimpleNamespace(set_log_level=levels.append))
    assert import_nncf().set_log_level == levels.append
    # logging.WARNING
    assert levels == [30]

"""Time of a case: the verdict, the page, and one small run of everything."""

import pytest
from case_time import check_limit, report

MACHINE = {"cpu": "a CPU", "cores": 2, "memory_gib": 8.0, "torch": "1", "openvino": "2"}


def case(*seconds: float) -> dict:
    stages = [{"load": 1.0, "2d": value - 1} for value in seconds]
    cold = {"device": "cpu", "seconds": list(seconds), "peak_mib": [1000.0, None, 1200.4], "stages": stages}
    warm = {
        "device": "cpu",
        "seconds": [5.0],
        "peak_mib": [900.0],
        "stages": [{"2d": 5.0}],
        "gpu_peak_mib": None,
    }
    return {"ct": "some CT", "voxels_xyz": [512, 512, 100], "cold": cold, "warm": warm}


def test_one_slow_run_is_enough_to_fail():
    assert [check.passed for check in check_limit([case(20.0, 119.9), case(30.0)])] == [True]
    (check,) = check_limit([case(20.0, 120.1), case(30.0)])
    assert (check.measured, check.passed) == (120.1, False)
    assert check_limit([{"ct": "warm only"}]) == []


def test_the_page_has_medians_and_all_runs():
    result = {
        "bundle": "tiny",
        "cold_is": "container: --network none",
        "checks": [],
        "cases": [case(20.0, 22.0, 30.0)],
        "start_seconds": {"process.py --help": [0.25]},
        "command": "python benchmarks/case_time.py",
        "machine": MACHINE,
    }
    lines = report(result)
    assert "| some CT | cold | 22.00 (20.00, 22.00, 30.00) | 220 | 1200 | - |" in lines
    assert "| some CT | warm | 5.00 | 50 | 900 | - |" in lines
    assert "| some CT | cold | 1.00 | 21.00 |" in lines
    assert "| some CT | warm | - | 5.00 |" in lines
    assert "| process.py --help | 0.25 |" in lines
    assert "a fresh container from" in "\n".join(lines)


@pytest.mark.slow
def test_everything_once(script, tiny_bundle, coarse_ct):
    options = ("--bundle", tiny_bundle, "--ct", coarse_ct, "--runs", "1", "--device", "cpu")
    code, result, page = script("case_time", *options)
    assert code == 0
    (measured,) = result["cases"]
    assert measured["voxels_xyz"] == [48, 56, 30]
    for kind in ("cold", "warm"):
        (seconds,), (stages,) = measured[kind]["seconds"], measured[kind]["stages"]
        assert {"check", "2d", "3d", "3d_small", "fuse"} <= stages.keys()
        # stages are rounded to hundredths in results.json
        assert 0 < sum(stages.values()) < seconds + 0.1
        assert measured[kind]["peak_mib"][0] > 50
    # which of them takes longer is for a quiet machine to say
    kinds = ["python", "process.py --help", "imports", "imports and loading the bundle"]
    assert list(result["start_seconds"]) == kinds
    assert all(len(runs) == 1 and runs[0] > 0 for runs in result["start_seconds"].values())
    assert "head.mha" in page


def test_a_part_alone_under_another_name(script, tiny_bundle, coarse_ct):
    options = ("--bundle", tiny_bundle, "--ct", coarse_ct, "--runs", "2", "--parts", "warm")
    code, result, _ = script("case_time", *options, "--device", "cpu", "--name", "warm")
    assert code == 0
    (measured,) = result["cases"]
    assert "cold" not in measured
    assert len(measured["warm"]["seconds"]) == 2
    assert result["start_seconds"] == {}
